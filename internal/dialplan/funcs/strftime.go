package funcs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// strftime writes a time as C's strftime does in the C locale, with the flags
// of the GNU library (%-d %_d %05d %^a %#Z) and Asterisk's %q for fractions of a
// second: %q and %3q are thousandths, up to %9q. What is no letter of it stays.
func strftime(t time.Time, format string) string {
	var b strings.Builder
	for {
		text, rest, ok := strings.Cut(format, "%")
		b.WriteString(text)
		if !ok {
			return b.String()
		}
		c, n := parseConversion(rest)
		s, known := c.write(t)
		if n == 0 || !known {
			b.WriteByte('%')
			b.WriteString(rest[:n])
		} else {
			b.WriteString(s)
		}
		format = rest[n:]
	}
}

// conversion is one "%-5d" of a format.
type conversion struct {
	flag   byte // '_' '-' '0' or 0: how numbers are filled up
	upper  bool // ^
	swap   bool // #
	width  int  // 0 = the usual
	letter byte
}

// parseConversion reads what stands behind the %. n is 0 at the end of the
// format, else how much was read.
func parseConversion(s string) (c conversion, n int) {
	i := 0
flags:
	for ; i < len(s); i++ {
		switch s[i] {
		case '_', '-', '0':
			c.flag = s[i]
		case '^':
			c.upper = true
		case '#':
			c.swap = true
		default:
			break flags
		}
	}
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		c.width = min(c.width*10+int(s[i]-'0'), maxWidth)
	}
	if i+1 < len(s) && (s[i] == 'E' || s[i] == 'O') && isLetter(s[i+1]) { // other eras and digits: the same in C
		i++
	}
	if i == len(s) {
		return c, 0
	}
	c.letter = s[i]
	return c, i + 1
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// write gives the text of a conversion, false if there is none of that letter.
func (c conversion) write(t time.Time) (string, bool) {
	if s, ok := c.number(t); ok {
		return s, true
	}
	s, ok := c.words(t)
	if !ok {
		return "", false
	}
	if c.upper || c.swap && c.letter != 'Z' && c.letter != 'p' {
		s = upper(s)
	} else if c.swap {
		s = lower(s)
	}
	fill := " "
	if c.flag == '0' {
		fill = "0"
	}
	return strings.Repeat(fill, max(0, c.width-len(s))) + s, true
}

// number writes the conversions that are one number.
func (c conversion) number(t time.Time) (string, bool) {
	isoYear, isoWeek := t.ISOWeek()
	hour12 := (t.Hour()+11)%12 + 1
	switch c.letter {
	case 'C':
		return c.digits(t.Year()/100, 2, '0'), true
	case 'd':
		return c.digits(t.Day(), 2, '0'), true
	case 'e':
		return c.digits(t.Day(), 2, '_'), true
	case 'g':
		return c.digits((isoYear%100+100)%100, 2, '0'), true
	case 'G':
		return c.digits(isoYear, 1, '0'), true
	case 'H':
		return c.digits(t.Hour(), 2, '0'), true
	case 'I':
		return c.digits(hour12, 2, '0'), true
	case 'j':
		return c.digits(t.YearDay(), 3, '0'), true
	case 'k':
		return c.digits(t.Hour(), 2, '_'), true
	case 'l':
		return c.digits(hour12, 2, '_'), true
	case 'm':
		return c.digits(int(t.Month()), 2, '0'), true
	case 'M':
		return c.digits(t.Minute(), 2, '0'), true
	case 's':
		return c.digits(int(t.Unix()), 1, '0'), true
	case 'S':
		return c.digits(t.Second(), 2, '0'), true
	case 'u':
		return c.digits((int(t.Weekday())+6)%7+1, 1, '0'), true
	case 'U': // weeks that begin on Sunday
		return c.digits((t.YearDay()+6-int(t.Weekday()))/7, 2, '0'), true
	case 'V':
		return c.digits(isoWeek, 2, '0'), true
	case 'w':
		return c.digits(int(t.Weekday()), 1, '0'), true
	case 'W': // weeks that begin on Monday
		return c.digits((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0'), true
	case 'y':
		return c.digits((t.Year()%100+100)%100, 2, '0'), true
	case 'Y':
		return c.digits(t.Year(), 1, '0'), true
	}
	return "", false
}

// digits fills a number up to its usual width, or the one that was asked for.
func (c conversion) digits(n, width int, fill byte) string {
	if c.flag != 0 {
		fill = c.flag
	}
	if c.width > 0 {
		width = c.width
	}
	switch fill {
	case '-':
		return strconv.Itoa(n)
	case '_':
		return fmt.Sprintf("%*d", width, n)
	}
	return fmt.Sprintf("%0*d", width, n)
}

// words writes the conversions that are more than one number.
func (c conversion) words(t time.Time) (string, bool) {
	switch c.letter {
	case 'a':
		return t.Format("Mon"), true
	case 'A':
		return t.Format("Monday"), true
	case 'b', 'h':
		return t.Format("Jan"), true
	case 'B':
		return t.Format("January"), true
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006"), true
	case 'D', 'x':
		return t.Format("01/02/06"), true
	case 'F':
		return t.Format("2006-01-02"), true
	case 'n':
		return "\n", true
	case 'p':
		return t.Format("PM"), true
	case 'P':
		return t.Format("pm"), true
	case 'q':
		n := c.width
		if n == 0 {
			n = 3
		}
		if n > 9 {
			return "", false
		}
		return fmt.Sprintf("%09d", t.Nanosecond())[:n], true
	case 'r':
		return t.Format("03:04:05 PM"), true
	case 'R':
		return t.Format("15:04"), true
	case 't':
		return "\t", true
	case 'T', 'X':
		return t.Format("15:04:05"), true
	case 'z':
		return t.Format("-0700"), true
	case 'Z':
		return t.Format("MST"), true
	case '%':
		return "%", true
	}
	return "", false
}
