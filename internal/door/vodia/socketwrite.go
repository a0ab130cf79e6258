package vodia

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// maxNotes bounds the messages on a board; the oldest go first.
const maxNotes = 64

// board says what is due to be sent. Nothing on it is a state of something else than now.
type board struct {
	bell chan struct{} // has an element while something may be due

	mu  sync.Mutex // guards due
	due due
}

// due is what a board holds.
type due struct {
	calls  bool           // the list of the user's calls, if it is another one than was sent
	anyway bool           // the same, even if it is not
	lamps  bool           // the lamps that have changed
	tenant bool           // the accounts that have changed
	anew   bool           // all accounts
	users  bool           // the list of the accounts, without their calls
	notes  []wire.Message // others, the oldest first
}

func newBoard() board { return board{bell: make(chan struct{}, 1)} }

// change writes on the board.
func (b *board) change(f func(*due)) {
	b.mu.Lock()
	f(&b.due)
	b.mu.Unlock()
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

// note leaves a message.
func (b *board) note(m wire.Message) {
	b.change(func(d *due) {
		if len(d.notes) >= maxNotes {
			d.notes = append(d.notes[:0], d.notes[1:]...)
		}
		d.notes = append(d.notes, m)
	})
}

// take gives what is due, and clears the board.
func (b *board) take() due {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.due
	b.due = due{}
	return d
}

// view is what the client has been shown.
type view struct {
	calls     [sha256.Size]byte   // the newest list
	recording map[string]struct{} // calls that are recorded
	lamps     map[string]string   // extension: state
	accounts  map[string][sha256.Size]byte
}

// stream sends what is due until the socket ends, and says why.
func (k *socket) stream(ctx context.Context) error {
	look := time.NewTicker(k.lookEvery())
	defer look.Stop()
	for {
		last := isClosed(k.quit) // looked at first: what was due before is told
		if err := k.round(); err != nil {
			return err
		}
		if last {
			return errParted
		}
		select {
		case m := <-k.answers:
			if err := k.send(m); err != nil {
				return err
			}
		case <-k.board.bell:
		case <-look.C:
			k.look(ctx)
		case <-k.by.session.Done():
			k.lost()
		case <-k.quit:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lookEvery is how often look is called: often enough that the session does not rest.
func (k *socket) lookEvery() time.Duration {
	if idle := k.x.c.SessionIdle; idle > 0 {
		return min(lookEvery, idle/3)
	}
	return lookEvery
}

// look does what nobody tells the socket to do: it closes one whose rights are gone, follows
// a user to another phone, and pings a client that was not heard of. Phones that have
// registered meanwhile are seen then too.
func (k *socket) look(ctx context.Context) {
	_, u, ok := k.acts()
	if !ok {
		k.lost()
		return
	}
	k.watches.follow(&u)
	if time.Since(time.Unix(0, k.heard.Load())) >= quietTime {
		k.ping(ctx)
	}
}

// round sends all that is due.
func (k *socket) round() error {
	for more := true; more; {
		select {
		case m := <-k.answers:
			if err := k.send(m); err != nil {
				return err
			}
		default:
			more = false
		}
	}
	d := k.board.take()
	if !d.calls && !d.anyway && !d.lamps && !d.tenant && !d.users && len(d.notes) == 0 {
		return nil
	}
	me, u, ok := k.acts()
	if !ok { // nothing more is shown
		k.lost()
		return errParted
	}
	for _, send := range []func() error{
		func() error { return k.sendNotes(d.notes) },
		func() error { return k.sendCalls(&d, &u) },
		func() error { return k.sendLamps(&d) },
		func() error { return k.sendUsers(&d) },
		func() error { return k.sendTenant(&d, &me) },
	} {
		if err := send(); err != nil { // nothing is sent after a frame that was not
			return err
		}
	}
	return nil
}

func (k *socket) sendNotes(list []wire.Message) error {
	for _, m := range list {
		if e, ok := m.(wire.CallEnded); ok {
			e.ToNumber = cmp.Or(k.spelled.of(e.ID), e.ToNumber)
			m = e
		}
		if err := k.send(m); err != nil {
			return err
		}
	}
	return nil
}

// sendCalls sends the list of the user's calls.
func (k *socket) sendCalls(d *due, u *directory.User) error {
	if !d.calls && !d.anyway {
		return nil
	}
	list := k.d.callObjects(u)
	for i := range list {
		if to := k.spelled.of(list[i].ID); to != "" {
			list[i].To = spelledAs(list[i].To, to)
		}
	}
	text := wire.Encode(wire.CallState{Calls: list})
	sum := sha256.Sum256(text)
	if sum == k.view.calls && !d.anyway {
		return nil
	}
	k.view.calls = sum
	if err := k.write(text); err != nil {
		return err
	}
	return k.sendRecording(list)
}

// sendRecording says that recordings have begun and ended.
func (k *socket) sendRecording(list []wire.Call) error {
	var now map[string]struct{}
	for i := range list {
		if !list[i].Recording {
			continue
		}
		if now == nil {
			now = map[string]struct{}{}
		}
		now[list[i].ID] = struct{}{}
	}
	before := k.view.recording
	k.view.recording = now
	for id := range now {
		if _, was := before[id]; !was {
			if err := k.send(wire.RecordStarted{}); err != nil {
				return err
			}
		}
	}
	for id := range before {
		if _, is := now[id]; !is {
			if err := k.send(wire.RecordStopped{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *socket) send(m wire.Message) error { return k.write(wire.Encode(m)) }

// write sends a frame. A client that does not take it in time is cut.
func (k *socket) write(text []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTime) // the stream ends by its own doing
	defer cancel()
	err := k.conn.Write(ctx, websocket.MessageText, text)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errSlow
	}
	return fmt.Errorf("send to client: %w", err)
}
