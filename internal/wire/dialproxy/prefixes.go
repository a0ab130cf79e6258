package dialproxy

import "strings"

// Prefixes is DIALING_PREFIX_NUMBERS (AstLinux: rc.conf): how a number that begins
// with a plus sign is written in the dialplan. The zero value is "unset".
type Prefixes struct {
	Set           bool   // there is a value, even if all of its fields are empty
	International string // in front of other countries' numbers: "00", "011"
	National      string // trunk prefix within the country: "0", "1"
	Country       string // the own country's code: "49", "1"
	Outgoing      string // put before every number: "9"
}

// blanks are what PHP's trim removes.
const blanks = " \t\n\r\x00\x0b"

// ParsePrefixes reads International~National~Country~Outgoing. All fields are
// optional, more than four are ignored, and a value of blanks is unset (spec:
// dialproxy 5).
func ParsePrefixes(s string) Prefixes {
	if s = strings.Trim(s, blanks); s == "" {
		return Prefixes{}
	}
	f := strings.Split(s, "~")
	field := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	return Prefixes{Set: true, International: field(0), National: field(1), Country: field(2), Outgoing: field(3)}
}

// Number is a number that was made dialable.
type Number struct {
	Digits string // of 0-9 * # and, with Prefixes that are set, +
	Prefix string // Prefixes.Outgoing, which stands before it in the dialplan
	Steps  []Step // what was done to it, in order
	// Doubts say where a rule may have damaged the number (spec: dialproxy 11, W12).
	Doubts []string
}

// Step is one thing that was done to a number, in words.
type Step struct {
	Rule   string // "punctuation", "country prefix", …
	Before string
	After  string
	Note   string // "" = the rule says it all
}

// step notes a change; what a rule leaves alone is no step.
func (n *Number) step(rule, after, note string) {
	if after != n.Digits {
		n.Steps = append(n.Steps, Step{rule, n.Digits, after, note})
	}
	n.Digits = after
}

// Normalise makes a number dialable (spec: dialproxy 5). e164 removes the trunk
// prefix in brackets only behind a plus sign and a country code, where it is
// meant; the original removes it everywhere (spec: dialproxy 11, W12).
func (p Prefixes) Normalise(num string, e164 bool) Number {
	n := Number{Digits: num}
	if num == "" {
		return n
	}
	if !p.Set {
		n.step("punctuation", keep(num, "*#"), "only 0-9 * # are dialled: no dialling prefixes are set")
		return n
	}
	n.Prefix = p.Outgoing
	if p.National != "" {
		p.brackets(&n, e164)
	}
	n.step("punctuation", keep(n.Digits, "*#+"), "only 0-9 * # + are dialled")
	if rest, ok := strings.CutPrefix(n.Digits, "+"+p.Country); ok && p.Country != "" {
		n.step("country prefix", p.National+rest, "+"+p.Country+" is our own country: "+instead(p.National))
	}
	// What the country prefix has put in front may begin with a plus sign again.
	if rest, ok := strings.CutPrefix(n.Digits, "+"); ok && p.International != "" {
		n.step("international prefix", p.International+rest, p.International+" stands for +")
	}
	if strings.LastIndexByte(n.Digits, '+') > 0 {
		n.Doubts = append(n.Doubts, "a plus sign within the number is passed to the dialplan")
	}
	return n
}

func instead(national string) string {
	if national == "" {
		return "nothing stands for it"
	}
	return national + " stands for it"
}

// brackets removes "(N)".
func (p Prefixes) brackets(n *Number, e164 bool) {
	b := "(" + p.National + ")"
	if !e164 {
		international := strings.HasPrefix(keep(n.Digits, "*#+"), "+")
		if strings.Contains(n.Digits, b) && !international {
			n.Doubts = append(n.Doubts, "the trunk prefix "+b+" was removed from a number without a country code")
		}
		n.step("trunk prefix", strings.ReplaceAll(n.Digits, b, ""), b+" is left out")
		return
	}
	i := strings.Index(n.Digits, b)
	if i < 0 {
		return
	}
	if code, ok := strings.CutPrefix(keep(n.Digits[:i], "*#+"), "+"); ok && p.isCode(code) {
		n.step("trunk prefix", n.Digits[:i]+n.Digits[i+len(b):], b+" behind a country code is left out")
	}
}

// isCode says whether a number up to its brackets is a country code: our own, or
// another of one to three digits (E.164 6.2.1).
func (p Prefixes) isCode(s string) bool {
	return s == p.Country || len(s) >= 1 && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
}

// keep gives the digits of s and the bytes in more.
func keep(s, more string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; '0' <= c && c <= '9' || strings.IndexByte(more, c) >= 0 {
			b = append(b, c)
		}
	}
	return string(b)
}
