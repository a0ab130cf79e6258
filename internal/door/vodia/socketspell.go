package vodia

import (
	"slices"
	"sync"

	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// mostSpelled bounds the calls whose spelling a socket remembers; the oldest go first.
const mostSpelled = 16

// spellings are the numbers that a client has typed otherwise than its calls have on record:
// a click within the dedupe window of the same number in another spelling gets the call that
// there is, and some texts no record can show. The client knows its call by what it has sent
// (spec: vodia 8.5).
type spellings struct {
	mu   sync.Mutex // guards list
	list []spelling // the newest last
}

type spelling struct{ id, typed string }

// typed notes how the client spells the number of a call that is on record as recorded, and
// has it shown so.
func (k *socket) typed(id, typed, recorded string) {
	if k.spelled.set(id, typed, recorded) {
		k.board.change(func(d *due) { d.calls = true })
	}
}

// set notes a spelling, and says whether it was another one.
func (s *spellings) set(id, typed, recorded string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := recorded
	s.list = slices.DeleteFunc(s.list, func(o spelling) bool {
		if o.id == id {
			before = o.typed
		}
		return o.id == id
	})
	if typed != recorded {
		if len(s.list) >= mostSpelled {
			s.list = slices.Delete(s.list, 0, 1)
		}
		s.list = append(s.list, spelling{id, typed})
	}
	return typed != before
}

// of gives the spelling of a call, "" = as it is on record.
func (s *spellings) of(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.list {
		if o.id == id {
			return o.typed
		}
	}
	return ""
}

// spelledAs is a party whose number is shown as it was typed.
func spelledAs(p wire.Party, typed string) wire.Party {
	if p.Dialed == "" {
		p.Dialed = p.Number
	}
	p.Number = typed
	return p
}
