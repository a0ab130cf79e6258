package ami

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// The packets of vector h1.
func TestXML(t *testing.T) {
	command := Response("Success", "").Add("Message", "Command output follows").Add("Output", "System uptime: 11 minutes, 28 seconds").Add("Output", "Last reload: 1 minute, 27 seconds")
	ping := Response("Success", "11").Add("Ping", "Pong").Add("Timestamp", "1795321094.279623")
	for _, c := range []struct {
		dest, element string
		packets       []*Message
		want          string
	}{
		{"", "", []*Message{ping}, "<response type='object' id='unknown'><generic response='Success' actionid='11' ping='Pong' timestamp='1795321094.279623' /></response>\n"},
		{"mydiv", "obj", []*Message{Response("Success", "").Add("Ping", "Pong")}, "<response type='object' id='mydiv'><obj response='Success' ping='Pong' /></response>\n"},
		{"", "", []*Message{command}, "<response type='object' id='unknown'><generic response='Success' message='Command output follows' output='System uptime: 11 minutes, 28 seconds' output-2='Last reload: 1 minute, 27 seconds' /></response>\n"},
		{"<'>", "a b", []*Message{Event("X", "").Add("CID-CallingPres", `<&>"'`).Add("1", "\x01\xff")}, "<response type='object' id='&lt;&apos;&gt;'><generic event='X' cid_callingpres='&lt;&amp;&gt;&quot;&apos;' _1='\uFFFD' /></response>\n"},
		{"", "", nil, ""},
	} {
		if got := string(AppendXML(nil, c.dest, c.element, c.packets)); got != "<ajax-response>\n"+c.want+"</ajax-response>\n" {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

// Whatever is in a packet, what is written is XML.
func FuzzXML(f *testing.F) {
	f.Add("d", "e", "Name", "value")
	f.Add("<", "1", "\xff", "\x00'\ufffe")
	f.Fuzz(func(t *testing.T, dest, element, name, value string) {
		text := string(AppendXML(nil, dest, element, []*Message{Event("X", "").Add(name, value).Add(name, value)}))
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			_, err := d.Token()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatalf("%v in %s", err, text)
			}
		}
	})
}
