package usercall

import "context"

// What follows is the contract of package usercall; its author replaces it.

// Table knows all calls of all phones. It is safe for concurrent use.
type Table struct{}

// Of gives the calls of a phone, the oldest first; "" = of all phones.
func (t *Table) Of(phone string) []Call { return nil }

// Watch has f called after each change of what Of(phone) gives, one call at a time; changes that
// follow each other quickly may be told together. f must not block.
func (t *Table) Watch(phone string, f func()) (stop func()) { return func() {} }

// Hangup ends a call of a phone, in any state; who is for the record ("vodia:123@tenant.com").
func (t *Table) Hangup(ctx context.Context, phone, id, who string) error { return ErrNoCall }

// Reject refuses a call that alerts the phone: busy.
func (t *Table) Reject(ctx context.Context, phone, id, who string) error { return ErrNoCall }

// Answer asks the ringing phone to answer (in-dialog NOTIFY, Event: talk). ErrUnsupported if the phone
// does not say that it allows it.
func (t *Table) Answer(ctx context.Context, phone, id string) error { return ErrNoCall }

// Hold puts the other side on hold (on) or takes it back. ErrState unless they talk.
func (t *Table) Hold(ctx context.Context, phone, id string, on bool) error { return ErrNoCall }

// Transfer sends the other side of a call to a number, by the rights of the phone's context and account; the phone is free then.
func (t *Table) Transfer(ctx context.Context, phone, id, number string) error { return ErrNoCall }

// Join connects the other sides of two calls of the phone with each other; the phone is free then.
func (t *Table) Join(ctx context.Context, phone, id, id2 string) error { return ErrNoCall }

// SendDTMF sends digits (0-9 A-D * #) to the other side of a call.
func (t *Table) SendDTMF(ctx context.Context, phone, id, digits string) error { return ErrNoCall }

// Record begins (on) or ends a recording of both sides.
func (t *Table) Record(ctx context.Context, phone, id string, on bool) error { return ErrNoCall }
