package demo

import "context"

// The demonstration's user of the web console, and the phone that its browser is.
const (
	consoleUser  = "demo"
	consolePhone = "103"
)

// Console makes an address that logs a browser in to the web console, once and within ten
// minutes, and gives who may log in there afterwards.
func (d *Demo) Console(ctx context.Context) (address, user, password string, err error) {
	cl, err := d.client("cli")
	if err != nil {
		return "", "", "", err
	}
	defer cl.Close()
	var made struct {
		URL string `json:"url"`
	}
	err = cl.Post(ctx, "/v1/session/once", map[string]string{"user": consoleUser}, &made)
	return made.URL, consoleUser, d.secret, err
}
