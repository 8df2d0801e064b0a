package molva

import (
	"context"
	"errors"
	"fmt"

	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// ErrCloseCode is returned by Close for a code that may not be sent (RFC 6455 §7.4).
var ErrCloseCode = errors.New("molva: close code may not be sent")

// Close does the closing handshake (RFC 6455 §7.1.2): it sends a close frame, after which nothing more can be sent,
// and the connection ends when the peer has answered it or Timeouts.Close has passed. CloseNoStatus sends neither code
// nor reason; a reason longer than 123 bytes is cut.
//
// On a connection from [Accept] or [Dial] Close waits for that end, reading and dropping what still comes. Inside the
// loop over Messages, and on a connection with callbacks, it does not wait: the end comes later, with OnClose where
// there is one. It returns [ErrCloseCode], or a [*CloseError] if the connection was closed already or did not end
// with a close frame of each side.
func (c *Conn) Close(code CloseCode, reason string) error {
	if code != CloseNoStatus && !code.Sendable() {
		return fmt.Errorf("%w: %v", ErrCloseCode, code)
	}
	began := c.sendClose(&CloseError{Code: code, Reason: reason})
	if began {
		c.transport.SetTimer(c.set.close)
	}
	switch {
	case c.pull == nil && began:
		return nil
	case c.pull == nil:
		return c.closing.Load()
	case c.pull.delivering.Load():
		go c.awaitClose()
		return nil
	}
	c.awaitClose()
	if began && c.endedWell() {
		return nil
	}
	return c.Err()
}

// closeSoon is Close without the wait, for any connection.
func (c *Conn) closeSoon(code CloseCode, reason string) {
	if !c.sendClose(&CloseError{Code: code, Reason: reason}) {
		return
	}
	c.transport.SetTimer(c.set.close)
	if c.pull != nil {
		go c.awaitClose()
	}
}

// awaitClose waits for the end of a connection without callbacks, and reads until then if nobody else does.
func (c *Conn) awaitClose() {
	ctx, cancel := context.WithTimeout(context.Background(), c.set.close)
	defer cancel()
	err := c.drain(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		c.abort(&CloseError{Code: CloseAbnormal, cause: ErrTimeout})
	}
}

// endedWell reports whether the connection ended with a close frame of each side.
func (c *Conn) endedWell() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := c.turns().ended
	return ended != nil && ended.cause == nil && ended.Code != CloseAbnormal
}

// CloseNow cuts the connection without a closing handshake, also one that is under way, as by [Server.Shutdown]: Close
// lets that come to its end. What waits in the outbox is lost. On a connection that has ended CloseNow does nothing, and
// so may be deferred.
func (c *Conn) CloseNow() {
	if c.Err() != nil {
		return // the last close frame may still be on its way
	}
	c.abort(&CloseError{Code: CloseAbnormal})
}

func (c *Conn) abort(closing *CloseError) {
	c.closing.CompareAndSwap(nil, closing)
	c.transport.Abort(closing)
	if c.pull != nil {
		c.end(closing)
	}
}

// CloseRead is for those who only write: it reads in a goroutine of its own, so that control frames are answered and
// the end is noticed, and closes the connection with 1003 if a message comes. The context it returns is cancelled when
// the connection has ended. It must not be used with callbacks.
func (c *Conn) CloseRead(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		if _, err := c.Read(ctx); err == nil {
			c.Close(CloseUnsupportedData, "unexpected message")
		}
	}()
	return ctx
}

// sendClose sends the close frame, the last frame of this end, and reports whether this call did.
func (c *Conn) sendClose(closing *CloseError) bool {
	if !c.closing.CompareAndSwap(nil, closing) {
		return false
	}
	payload := buffer.Get(wire.MaxControlPayload)
	defer payload.Free()
	first := wire.Fin | wire.FirstByte(wire.OpClose)
	c.sendFrame(first, wire.AppendClose(payload.Bytes(), closing.Code, closing.Reason), loop.Last)
	return true
}

// finish ends the connection: with a close frame, if none was sent yet, and without waiting for an answer.
func (c *Conn) finish(closing *CloseError) {
	closing = c.lastFrame(closing)
	c.transport.Finish(closing, c.set.close)
	c.endPull(closing)
}

// part is finish where the peer's close frame has come and nothing can come behind it, so that the socket need not wait
// for the peer.
func (c *Conn) part(closing *CloseError) {
	closing = c.lastFrame(closing)
	c.transport.Part(closing, c.set.close)
	c.endPull(closing)
}

// lastFrame sends a close frame, if none was sent yet, and returns what the connection ends with.
func (c *Conn) lastFrame(closing *CloseError) *CloseError {
	if !c.sendClose(closing) && closing.cause == nil {
		return c.closing.Load() // the peer has answered
	}
	return closing
}

func (c *Conn) endPull(closing *CloseError) {
	if c.pull != nil {
		c.end(closing)
	}
}

// end notes how the connection ended, tells those who wait for it and the server. Only the first call counts.
func (c *Conn) end(err error) {
	ended := abnormal(err)
	c.closing.CompareAndSwap(nil, ended)
	c.mu.Lock()
	l := c.turns()
	if l.ended != nil {
		c.mu.Unlock()
		return
	}
	l.ended = ended
	if l.done != nil {
		close(l.done)
	}
	c.mu.Unlock()
	if s := c.server(); s != nil {
		s.closed(c, ended)
	}
}
