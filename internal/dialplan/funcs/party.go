package funcs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
)

// party is what Asterisk knows of one side of a call (Asterisk: channel.h
// ast_party_id), as CALLERID, CONNECTEDLINE and REDIRECTING show it.
type party struct {
	name, number         string
	namePres, numberPres int // Q.931 presentation and screening, 0-0x43
	plan                 int // type of number and numbering plan
	tag                  string
}

// errField says that a party has no such field.
type errField string

func (e errField) Error() string { return fmt.Sprintf("unknown data type %q", string(e)) }

// restricted says that the party does not want to be shown.
func restricted(pres int) bool { return pres&0x60 == 0x20 }

func (p *party) private() bool { return restricted(p.namePres) || restricted(p.numberPres) }

// presentation is that of name and number together: withheld if one of them is
// (Asterisk: callerid.c ast_party_id_presentation).
func (p *party) presentation() int {
	if restricted(p.namePres) && !restricted(p.numberPres) {
		return 0x20 | p.numberPres&3
	}
	return p.numberPres
}

// take puts a caller ID of the switch into p. What p says of the presentation
// stays if it agrees.
func (p *party) take(id call.CallerID) {
	p.name, p.number = id.Name, id.Number
	if id.Private != p.private() {
		pres := 0
		if id.Private {
			pres = 0x20
		}
		p.namePres, p.numberPres = pres, pres
	}
}

func (p *party) callerID() call.CallerID {
	return call.CallerID{Name: p.name, Number: p.number, Private: p.private()}
}

// partyField splits "name-pres" (Asterisk: func_callerid.c): num and pres may be
// written longer.
func partyField(text string) (main, sub string) {
	main, sub, _ = strings.Cut(strings.ToLower(strings.TrimSpace(text)), "-")
	if strings.HasPrefix(main, "num") {
		main = "num"
	}
	if strings.HasPrefix(main, "pres") {
		main = "pres"
	}
	if strings.HasPrefix(sub, "pres") {
		sub = "pres"
	}
	return main, sub
}

// read gives a field (Asterisk: func_callerid.c party_id_read).
func (p *party) read(text string) (string, error) {
	switch main, sub := partyField(text); {
	case main == "all" && sub == "":
		return quoteParty(p.name, p.number), nil
	case main == "name" && sub == "":
		return p.name, nil
	case main == "num" && sub == "":
		return p.number, nil
	case main == "name" && sub == "valid":
		return oneOrZero(p.name != ""), nil
	case main == "num" && sub == "valid":
		return oneOrZero(p.number != ""), nil
	case main == "name" && sub == "charset":
		return "utf8", nil
	case main == "name" && sub == "pres":
		return presentationName(p.namePres), nil
	case main == "num" && sub == "pres", main == "pres" && sub == "":
		return presentationName(p.numberPres), nil
	case main == "num" && sub == "plan", main == "ton" && sub == "":
		return strconv.Itoa(p.plan), nil
	case main == "tag" && sub == "":
		return p.tag, nil
	case strings.HasPrefix(main, "subaddr"):
		return "", nil // ISDN only
	}
	return "", errField(text)
}

// write changes a field. Values are kept as they are, blanks around them apart
// (spec: dialplan 6.1 CALLERID).
func (p *party) write(text, value string) error {
	value = strings.TrimSpace(value)
	switch main, sub := partyField(text); {
	case main == "all" && sub == "":
		p.name, p.number = splitParty(value)
	case main == "name" && sub == "":
		p.name = value
	case main == "num" && sub == "":
		p.number = value
	case sub == "valid" && (main == "name" || main == "num"):
		// An empty name or number is what we have for an invalid one.
		if n, _ := strconv.Atoi(value); n == 0 && main == "name" {
			p.name = ""
		} else if n == 0 {
			p.number = ""
		}
	case main == "name" && sub == "charset":
	case sub == "pres" && (main == "name" || main == "num"), main == "pres" && sub == "":
		pres, ok := parsePresentation(value)
		if !ok {
			return fmt.Errorf("unknown presentation %q", value)
		}
		if main != "num" {
			p.namePres = pres
		}
		if main != "name" {
			p.numberPres = pres
		}
	case main == "num" && sub == "plan", main == "ton" && sub == "":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("unknown numbering plan %q", value)
		}
		p.plan = n
	case main == "tag" && sub == "":
		p.tag = value
	case strings.HasPrefix(main, "subaddr"):
	default:
		return errField(text)
	}
	return nil
}

// quoteParty writes `"Name" <num>`.
func quoteParty(name, number string) string { return `"` + name + `" <` + number + `>` }

// splitParty reads `"Name" <num>`, `Name <num>`, or one word: a number if it
// looks like one, else a name (spec: dialplan 6.1 CALLERID).
func splitParty(s string) (name, number string) {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, '<'); i >= 0 && strings.HasSuffix(s, ">") {
		return unquoteParty(strings.TrimSpace(s[:i])), strings.TrimSpace(s[i+1 : len(s)-1])
	}
	bare := strings.NewReplacer("(", "", ")", "", "-", "", ".", "", " ", "").Replace(s)
	if bare != "" && strings.Trim(bare, "0123456789*#+") == "" {
		return "", s
	}
	return unquoteParty(s), ""
}

// unquoteParty takes the quotes off a quoted text.
func unquoteParty(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// presentations are Asterisk's names (Asterisk: callerid.c pres_types).
var presentations = [...]struct {
	pres int
	name string
}{
	{0x00, "allowed_not_screened"}, {0x01, "allowed_passed_screen"}, {0x02, "allowed_failed_screen"}, {0x03, "allowed"},
	{0x20, "prohib_not_screened"}, {0x21, "prohib_passed_screen"}, {0x22, "prohib_failed_screen"}, {0x23, "prohib"},
	{0x43, "unavailable"},
}

func presentationName(pres int) string {
	for _, p := range presentations {
		if p.pres == pres {
			return p.name
		}
	}
	return "unknown"
}

// parsePresentation reads a name or a number.
func parsePresentation(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, n >= 0 && n <= 0xff
	}
	for _, p := range presentations {
		if strings.EqualFold(p.name, s) {
			return p.pres, true
		}
	}
	return 0, false
}

// oneOrZero is 1 or 0, as functions say it.
func oneOrZero(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
