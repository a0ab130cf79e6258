package ami

// Filter is one rule that lets events through or holds them back (spec: ami 5.3).
type Filter struct {
	Exclude bool
	Name    string // of the event, "" = every
}
