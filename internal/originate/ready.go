package originate

import (
	"errors"
	"time"
)

// Ready is nil when requests are taken, else it says why not: the server is
// starting or stopping, or the store refuses to write. A failure counts until a
// call has been stored again, or for the time of a lease: the lease is renewed more
// often than that, so that as long as the store fails there is always a fresh one.
func (o *Originator) Ready() error {
	if !o.accepting() {
		return errors.New("no new calls are accepted: the server is starting or stopping")
	}
	if at := o.storeFailedAt.Load(); at != 0 && time.Since(time.Unix(0, at)) < o.o.LeaseTTL {
		return errors.New("no new calls are accepted: the store cannot be written; the log says why")
	}
	return nil
}
