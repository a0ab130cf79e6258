package stasis

import "testing"

// What a channel shows as the data of its application can be split into the arguments again.
func TestApplicationData(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "lab"},
		{[]string{"first"}, "lab,first"},
		{[]string{"first", "a,b"}, `lab,first,"a,b"`},
		{[]string{"", `say "x\y"`}, `lab,,"say \"x\\y\""`},
	} {
		if got := applicationData("lab", c.args); got != c.want {
			t.Errorf("%q: %s, want %s", c.args, got, c.want)
		}
	}
}
