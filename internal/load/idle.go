package load

import "context"

// idle holds the connections, and then has a sample spread over all of them echo one message each.
type idle struct{ *echo }

// sampleSize is how many of the held connections must show that they live.
const sampleSize = 1000

func (m *idle) run(ctx context.Context, r *run) error {
	settle()
	if err := r.ended(r.wait(ctx, "holding", r.cfg.Hold, nil)); err != nil {
		return err
	}
	if err := r.weighAgain(); err != nil {
		return err
	}
	m.prepare()
	w, err := openWindow(r.cfg.PIDs)
	if err != nil {
		return err
	}
	n := len(m.fleet.conns)
	step := (n + sampleSize - 1) / sampleSize
	m.fleet.each(func(c *conn) {
		if int(c.id)%step == 0 {
			m.send(c, 1)
		}
	})
	err = r.drain(ctx, func() bool { return m.fleet.outstanding() > 0 })
	if e := w.close(r.result, m.fleet.received()); e != nil {
		return e
	}
	r.result.setLatency(m.fleet.latency())
	return err
}
