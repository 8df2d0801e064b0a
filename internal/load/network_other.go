//go:build !linux

package load

func (f *fleet) openNetwork() error {
	f.network = newStreams(f)
	return nil
}
