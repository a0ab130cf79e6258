package conf

import "strings"

// maxNesting is how deep block comments may nest (spec: dialplan 1.1).
const maxNesting = 32

// comments takes comments out of the lines of one file. It remembers from line
// to line which block comments are open.
type comments struct {
	open []int // lines on which the open block comments begin, outermost first
}

// strip gives what is left of a line (spec: dialplan 1.1): ";" ends it, "\;" is
// a semicolon, ";--" to "--;" is left out and may nest. tooDeep says that a
// block comment was not opened because too many are.
func (c *comments) strip(line string, number int) (text string, tooDeep bool) {
	var b strings.Builder
	from := 0 // begin of what is not yet looked at
	for {
		i := strings.IndexByte(line[from:], ';')
		if i < 0 {
			c.keep(&b, line[from:])
			return b.String(), tooDeep
		}
		i += from
		before, after := line[from:i], line[i+1:]
		inside := len(c.open) > 0
		from = i + 1
		switch {
		case strings.HasSuffix(before, `\`):
			c.keep(&b, before[:len(before)-1]+";")
		case strings.HasPrefix(after, "--") && !strings.HasPrefix(after, "---"):
			c.keep(&b, before)
			from += 2
			if len(c.open) == maxNesting {
				tooDeep = true
				continue
			}
			c.open = append(c.open, number)
		case inside && strings.HasSuffix(before, "--"):
			c.open = c.open[:len(c.open)-1]
		case !inside:
			c.keep(&b, before)
			return b.String(), tooDeep
		}
	}
}

// keep writes text unless it stands in a block comment.
func (c *comments) keep(b *strings.Builder, text string) {
	if len(c.open) == 0 {
		b.WriteString(text)
	}
}
