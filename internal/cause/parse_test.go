package cause

import "testing"

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Code
		ok   bool
	}{
		{"17", 17, true}, {" 17 ", 17, true}, {"999", 999, true}, {"17x", 17, true}, {"USER_BUSY", 17, true}, {"call_rejected", 21, true},
		{"NO_ANSWER", 19, true}, {"Interworking", 127, true}, {"Congestion", 34, true},
		{"", 0, false}, {"0", 0, false}, {"-1", 0, false}, {"rubbish", 0, false}, {"99999999999999999999", 0, false},
	} {
		if got, ok := Parse(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("Parse(%q) = %d, %v; want %d, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
