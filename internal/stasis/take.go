package stasis

// Ready has a token when Take may give something: for a reader that waits for other
// things as well. Whoever calls Take and Ready is the one goroutine that may call Next.
func (s *Session) Ready() <-chan struct{} { return s.wake }

// Take gives all events that there are without waiting, as Next does: none and no
// error if there is nothing new.
func (s *Session) Take() ([]Item, error) {
	items, err := s.take()
	if len(items) > 0 {
		return items, nil
	}
	if err != nil {
		s.logEnd(err)
	}
	return nil, err
}
