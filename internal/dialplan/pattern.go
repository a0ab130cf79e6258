package dialplan

import (
	"math/bits"
	"strings"
)

// pattern is an extension pattern, without its leading "_" (spec: dialplan 2.1).
// Patterns that mean the same ("_[2-9]" and "_N") are equal.
type pattern struct {
	elements []element
	wrong    string // why it never matches; "" if it is well-formed
}

// element is one position of a pattern.
type element struct {
	set  set
	wild byte // '.' or '!'; 0 for a set of characters
}

// set is the characters that a position accepts, as bits.
type set [4]uint64

func (s *set) add(c byte)      { s[c/64] |= 1 << (c % 64) }
func (s *set) has(c byte) bool { return s[c/64]&(1<<(c%64)) != 0 }

func (s *set) addRange(from, to byte) {
	for c := int(from); c <= int(to); c++ {
		s.add(byte(c))
	}
}

func (s *set) size() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// first gives the lowest member.
func (s *set) first() int {
	for i, word := range s {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return 256
}

// parsePattern reads a pattern without its leading "_". Dashes outside of sets
// mean nothing and are dropped.
func parsePattern(text string) pattern {
	var p pattern
	for i := 0; i < len(text); i++ {
		var e element
		switch c := text[i]; c {
		case '-':
			continue
		case '.', '!':
			e.wild = c
		case 'x', 'X':
			e.set.addRange('0', '9')
		case 'z', 'Z':
			e.set.addRange('1', '9')
		case 'n', 'N':
			e.set.addRange('2', '9')
		case '[':
			end := strings.IndexByte(text[i:], ']')
			if end < 0 {
				return pattern{wrong: `a "[" is not closed`}
			}
			inside := text[i+1 : i+end]
			if !e.set.parse(inside) {
				return pattern{wrong: "a range in [" + inside + "] has no end"}
			}
			i += end
			if e.set == (set{}) {
				continue
			}
		default:
			e.set.add(c)
		}
		p.elements = append(p.elements, e)
	}
	return p
}

// parse reads what stands between the brackets, false if a range has no end.
func (s *set) parse(inside string) bool {
	for i := 0; i < len(inside); i++ {
		from, to := inside[i], inside[i]
		if i+1 < len(inside) && inside[i+1] == '-' {
			if i+2 == len(inside) {
				return false
			}
			to = inside[i+2]
			i += 2
		}
		s.addRange(from, to)
	}
	return true
}

// outcome is the result of a comparison with digits.
type outcome int

const (
	differs outcome = iota
	matches
	early // by a "!": whatever follows, it is decided
)

// match compares digits (without dashes) with the pattern. With more it asks
// whether the pattern could match once further digits are added, which a "."
// always could (Asterisk: main/pbx.c _extension_match_core).
func (p *pattern) match(digits string, more bool) outcome {
	if p.wrong != "" {
		return differs
	}
	partly := differs
	if more {
		partly = matches
	}
	for i, e := range p.elements {
		switch {
		case e.wild == '!':
			return early
		case i == len(digits):
			return partly
		case e.wild == '.':
			return matches
		case !e.set.has(digits[i]):
			return differs
		}
	}
	if len(digits) > len(p.elements) || more {
		return differs
	}
	return matches
}

// The ranks of what is no set. A set has its size (1-256) times 256 plus its
// lowest member, so it comes before them (Asterisk: main/pbx.c ext_cmp_pattern_pos).
const (
	rankDot   = 0x18000
	rankBang  = 0x28000
	rankEnd   = 0x30000
	rankWrong = 0x40000
)

// rank gives the place of a position in the order of patterns.
func (p *pattern) rank(i int) int {
	switch {
	case p.wrong != "":
		return rankWrong
	case i >= len(p.elements):
		return rankEnd
	case p.elements[i].wild == '.':
		return rankDot
	case p.elements[i].wild == '!':
		return rankBang
	}
	s := &p.elements[i].set
	return s.size()<<8 + s.first()
}

// comparePatterns is the order in which patterns are tried: position by
// position the smaller set first, then the one with the lower members, then ".",
// "!", and the end last (spec: dialplan 2.2). Equal ones give 0.
func comparePatterns(a, b *pattern) int {
	for i := range max(len(a.elements), len(b.elements), 1) {
		if d := a.rank(i) - b.rank(i); d != 0 {
			return d
		}
		if i < len(a.elements) && i < len(b.elements) {
			if d := compareSets(&a.elements[i].set, &b.elements[i].set); d != 0 {
				return d
			}
		}
	}
	return strings.Compare(a.wrong, b.wrong)
}

// compareSets puts the set first that has the lowest character which only one has.
func compareSets(a, b *set) int {
	for i := range a {
		if only := a[i] ^ b[i]; only != 0 {
			if a[i]&(only&-only) != 0 {
				return -1
			}
			return 1
		}
	}
	return 0
}

// key is the same for patterns that mean the same.
func (p *pattern) key(text string) string {
	if p.wrong != "" {
		return "?" + text
	}
	var b []byte
	for _, e := range p.elements {
		if e.wild != 0 {
			b = append(b, 0, e.wild)
			continue
		}
		b = append(b, 1)
		for _, word := range e.set {
			for range 8 {
				b = append(b, byte(word))
				word >>= 8
			}
		}
	}
	return string(b)
}

// number is a plain number or a pattern, as it stands in an extension column
// or as the caller ID behind it.
type number struct {
	text    string   // without dashes outside of sets if it is plain, as written if it is a pattern
	pattern *pattern // nil for a plain number
}

func parseNumber(text string) number {
	rest, ok := strings.CutPrefix(text, "_")
	if !ok {
		return number{text: noDashes(text)}
	}
	p := parsePattern(rest)
	return number{text: text, pattern: &p}
}

// Matches says whether an extension as written, which may be a pattern ("_1XX"), is or
// matches one as dialled.
func Matches(exten, dialled string) bool {
	n := parseNumber(exten)
	return n.match(noDashes(dialled)) != differs
}

// match compares digits (without dashes) with the number.
func (n *number) match(digits string) outcome {
	if n.pattern != nil {
		// Goto(_1XX,1) reaches the pattern itself.
		if strings.HasPrefix(digits, "_") && strings.EqualFold(noDashes(n.text), digits) {
			return matches
		}
		return n.pattern.match(digits, false)
	}
	if n.text == digits {
		return matches
	}
	return differs
}

// key is the same for numbers that mean the same.
func (n *number) key() string {
	if n.pattern != nil {
		return "_" + n.pattern.key(n.text)
	}
	return "=" + n.text
}

// compareNumbers puts plain numbers before patterns.
func compareNumbers(a, b *number) int {
	switch {
	case a.pattern == nil && b.pattern == nil:
		return strings.Compare(a.text, b.text)
	case a.pattern == nil:
		return -1
	case b.pattern == nil:
		return 1
	}
	return comparePatterns(a.pattern, b.pattern)
}

func noDashes(s string) string { return strings.ReplaceAll(s, "-", "") }

// shrink takes the punctuation out of a caller ID condition, but not out of the
// sets of a pattern, nor a "." at its end (Asterisk: main/callerid.c ast_shrink_phone_number).
func shrink(s string) string {
	var b []byte
	depth := 0
	for i := range len(s) {
		switch c := s[i]; c {
		case '[':
			depth++
			b = append(b, c)
		case ']':
			depth--
			b = append(b, c)
		case '-':
			if depth > 0 {
				b = append(b, c)
			}
		case '.':
			if i == len(s)-1 {
				b = append(b, c)
			}
		case '(', ' ', ')':
		default:
			b = append(b, c)
		}
	}
	return string(b)
}
