package ami

import (
	"bytes"
	"html/template"
	"net/http"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// page is the form of /manager, to try actions by hand.
var page = template.Must(template.New("manager").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Manager interface</title></head><body>
<h1>Manager interface</h1>
<form method="post">
<p><label>Action <input name="action" list="actions"></label>
<datalist id="actions"><option value="login"><option value="logoff"><option value="ping"><option value="command"><option value="waitevent"><option value="listcommands"></datalist></p>
<p><label>Command <input name="command"></label></p>
<p><label>User <input name="username" autocomplete="username"></label>
<label>Secret <input name="secret" type="password" autocomplete="current-password"></label></p>
<p><button>Send</button></p>
</form>
{{range .}}<table>
{{range .Headers}}<tr><td>{{.Name}}</td><td>{{.Value}}</td></tr>
{{end}}</table><hr>
{{end}}</body></html>
`))

// writePage shows the form and an answer.
func writePage(b []byte, _ wire.Packet, a answer) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	err := page.Execute(buf, a)
	return buf.Bytes(), err
}

var refusal = template.Must(template.New("refusal").Parse(`<!doctype html>
<html lang="en"><head><title>{{.Status}} {{.Name}}</title></head><body><h1>{{.Name}}</h1><p>{{.Text}}</p></body></html>
`))

// refuseHTTP answers what is no action with a status and a short page.
func refuseHTTP(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_ = refusal.Execute(w, struct { // a client that is gone does not need it
		Status     int
		Name, Text string
	}{status, http.StatusText(status), text})
}
