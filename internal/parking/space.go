package parking

// freeSpace chooses a space of a lot: the wanted one, else from there on upwards
// and then from the first, the next that is free. want is 0 for any: then the
// first one counts as wanted, or with FindNext the one behind last, which was used
// last. 0 = all are taken (Asterisk: parking_controller.c parking_lot_get_space;
// observed: a space that is wanted and taken gives the next one).
func freeSpace(l *Lot, want, last int, taken func(space int) bool) int {
	from := l.First
	switch {
	case l.Has(want):
		from = want
	case l.FindNext && l.Has(last+1):
		from = last + 1
	}
	n := l.Last - l.First + 1
	for i := range n {
		if space := l.First + (from-l.First+i)%n; !taken(space) {
			return space
		}
	}
	return 0
}
