package switchvox

// Rule puts digits in front of numbers of some lengths.
type Rule struct {
	Min, Max int // digits of the number, both included
	Prepend  string
}

// Rewrite gives the number that is dialled for one that was asked for (spec: switchvox 7).
// The first rule for its length counts. Extensions of the system and numbers with * or # are
// left as they are.
func Rewrite(number string, extension bool, rules []Rule) string {
	if extension || !digits(number) {
		return number
	}
	for _, r := range rules {
		if len(number) >= r.Min && len(number) <= r.Max {
			return r.Prepend + number
		}
	}
	return number
}

// digits says whether a text is digits of ASCII, and not empty.
func digits(s string) bool { return only(s, "") }

// only says whether a text is digits and characters of more, and not empty.
func only(s, more string) bool {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			continue
		}
		found := false
		for j := range len(more) {
			found = found || more[j] == s[i]
		}
		if !found {
			return false
		}
	}
	return s != ""
}
