package ami

import "strings"

// Header is one line of a packet.
type Header struct{ Name, Value string }

// Message is a packet that we send: an answer, an event or an item of a list. Its lines
// go out in the order in which they were added.
type Message struct{ Headers []Header }

// Response begins an answer: "Success", "Error" or "Goodbye". id is the ActionID of the
// request, "" = it had none, and then the answer has none (spec: ami 1.1).
func Response(kind, id string) *Message {
	m := &Message{Headers: make([]Header, 0, 8)}
	m.Add("Response", kind)
	if id != "" {
		m.Add("ActionID", id)
	}
	return m
}

// Event begins an event. privilege is "" for items of lists (spec: ami 3).
func Event(name, privilege string) *Message {
	m := &Message{Headers: make([]Header, 0, 24)}
	m.Add("Event", name)
	if privilege != "" {
		m.Add("Privilege", privilege)
	}
	return m
}

// Add appends a line. CR, LF and NUL do not leave the server inside a value (spec: ami
// 10.5): they are taken out when the packet is written.
func (m *Message) Add(name, value string) *Message {
	m.Headers = append(m.Headers, Header{name, value})
	return m
}

// Get gives the first value of a name, in any case, "" if there is none.
func (m *Message) Get(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// ParseMessage reads what Append has written, one packet.
func ParseMessage(text []byte) *Message {
	m := &Message{Headers: make([]Header, 0, 24)}
	for line := range strings.SplitSeq(string(text), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			m.Headers = append(m.Headers, Header{name, value})
		}
	}
	return m
}

// Append writes the packet with CRLF and its empty line.
func (m *Message) Append(b []byte) []byte {
	for _, h := range m.Headers {
		b = appendClean(b, h.Name)
		b = append(b, ": "...)
		b = appendClean(b, h.Value)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

func appendClean(b []byte, s string) []byte {
	if strings.IndexByte(s, '\r') < 0 && strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, 0) < 0 {
		return append(b, s...)
	}
	for i := range len(s) {
		if c := s[i]; c != '\r' && c != '\n' && c != 0 {
			b = append(b, c)
		}
	}
	return b
}

// Refusal is an error whose text is exactly that of the answer: Response: Error, Message.
type Refusal string

func (r Refusal) Error() string { return string(r) }
