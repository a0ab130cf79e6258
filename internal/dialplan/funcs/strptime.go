package funcs

import (
	"strings"
	"time"
)

// strptime reads a time as C's strptime does in the C locale. What follows the
// format is not looked at. A field that the format does not have is 0, as in
// Asterisk: without a day it is the last one of the month before. %z is read
// and does not count: the time zone is the one that was given.
func strptime(text, format string, loc *time.Location) (time.Time, bool) {
	p := timeParser{text: text, year: 1900}
	if !p.run(format) {
		return time.Time{}, false
	}
	if p.isEpoch {
		return time.Unix(p.epoch, 0), true
	}
	hour := p.hour
	if p.half {
		hour = p.hour%12 + p.pm
	}
	if p.hasCentury {
		p.year = p.century*100 + p.year%100
	}
	if p.yearDay > 0 && p.month == 0 && p.day == 0 {
		return time.Date(p.year, 1, p.yearDay, hour, p.minute, p.second, 0, loc), true
	}
	return time.Date(p.year, time.Month(max(1, p.month)), p.day, hour, p.minute, p.second, 0, loc), true
}

// timeParser takes fields off the front of text.
type timeParser struct {
	text string

	year, century, month, day, yearDay int
	hour, minute, second               int
	half                               bool // the hour is of %I
	pm                                 int  // 12 in the afternoon
	hasCentury                         bool // %C
	epoch                              int64
	isEpoch                            bool // %s
}

func (p *timeParser) blanks() { p.text = strings.TrimLeft(p.text, blanks) }

func (p *timeParser) run(format string) bool {
	for i := 0; i < len(format); i++ {
		c := format[i]
		switch {
		case strings.IndexByte(blanks, c) >= 0:
			p.blanks()
		case c != '%' || i+1 == len(format):
			if !p.literal(c) {
				return false
			}
		default:
			i++
			for i+1 < len(format) && strings.IndexByte("EO-_0^#", format[i]) >= 0 {
				i++
			}
			if !p.field(format[i]) {
				return false
			}
		}
	}
	return true
}

func (p *timeParser) literal(c byte) bool {
	if p.text == "" || p.text[0] != c {
		return false
	}
	p.text = p.text[1:]
	return true
}

// number reads up to most digits into n, if it lies between low and high.
func (p *timeParser) number(n *int, most, low, high int) bool {
	p.blanks()
	v, i := 0, 0
	for i < len(p.text) && i < most && '0' <= p.text[i] && p.text[i] <= '9' {
		v = v*10 + int(p.text[i]-'0')
		i++
	}
	if i == 0 || v < low || v > high {
		return false
	}
	p.text = p.text[i:]
	*n = v
	return true
}

// name reads one of the names that are written one after the other in list,
// whole or three letters, in any case; n counts from 0.
func (p *timeParser) name(n *int, names ...string) bool {
	for i, name := range names {
		for _, form := range [...]string{name, name[:min(3, len(name))]} {
			if len(p.text) >= len(form) && strings.EqualFold(p.text[:len(form)], form) {
				p.text = p.text[len(form):]
				*n = i
				return true
			}
		}
	}
	return false
}

func (p *timeParser) field(letter byte) bool {
	var ignored int
	switch letter {
	case 'a', 'A':
		return p.name(&ignored, "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
	case 'b', 'B', 'h':
		ok := p.name(&p.month, "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
		p.month++
		return ok
	case 'C':
		p.hasCentury = true
		return p.number(&p.century, 2, 0, 99)
	case 'd', 'e':
		return p.number(&p.day, 2, 1, 31)
	case 'H', 'k':
		p.half = false
		return p.number(&p.hour, 2, 0, 23)
	case 'I', 'l':
		p.half = true
		return p.number(&p.hour, 2, 1, 12)
	case 'j':
		return p.number(&p.yearDay, 3, 1, 366)
	case 'm':
		return p.number(&p.month, 2, 1, 12)
	case 'M':
		return p.number(&p.minute, 2, 0, 59)
	case 'p', 'P':
		ok := p.name(&p.pm, "AM", "PM")
		p.pm *= 12
		return ok
	case 'S':
		return p.number(&p.second, 2, 0, 61)
	case 'Y':
		return p.number(&p.year, 4, 0, 9999)
	case 'y':
		ok := p.number(&p.year, 2, 0, 99)
		if p.year < 69 {
			p.year += 100
		}
		p.year += 1900
		return ok
	case 'u', 'w':
		return p.number(&ignored, 1, 0, 7)
	case 'U', 'V', 'W', 'g':
		return p.number(&ignored, 2, 0, 99)
	case 'G':
		return p.number(&ignored, 4, 0, 9999)
	}
	return p.composed(letter)
}

// composed reads the fields that are made of others or are no number.
func (p *timeParser) composed(letter byte) bool {
	switch letter {
	case 'c':
		return p.run("%a %b %e %H:%M:%S %Y")
	case 'D', 'x':
		return p.run("%m/%d/%y")
	case 'F':
		return p.run("%Y-%m-%d")
	case 'R':
		return p.run("%H:%M")
	case 'r':
		return p.run("%I:%M:%S %p")
	case 'T', 'X':
		return p.run("%H:%M:%S")
	case 'n', 't':
		p.blanks()
		return true
	case '%':
		return p.literal('%')
	case 's':
		var n int
		p.isEpoch = true
		ok := p.number(&n, 15, 0, maxEpoch)
		p.epoch = int64(n)
		return ok
	case 'q':
		var ignored int
		return p.number(&ignored, 9, 0, 999_999_999)
	case 'z':
		return p.offset()
	case 'Z':
		p.blanks()
		p.text = strings.TrimLeft(p.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
		return true
	}
	return false
}

// offset reads "+0200", "+02:00" or "Z".
func (p *timeParser) offset() bool {
	p.blanks()
	if p.literal('Z') {
		return true
	}
	var ignored int
	if !p.literal('+') && !p.literal('-') || !p.number(&ignored, 2, 0, 99) {
		return false
	}
	p.literal(':')
	p.number(&ignored, 2, 0, 59)
	return true
}
