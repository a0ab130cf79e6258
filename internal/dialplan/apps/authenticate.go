package apps

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// authTries is how often a password may be typed (Asterisk: app_authenticate.c).
const authTries = 3

// authenticate is Authenticate(password[,options[,max[,prompt]]]): asks for a
// password up to three times; the call ends if it is wrong. The password is
// itself, or a path: a file with one password a line, with m a file of lines
// "account:MD5 of the password", with d a family of the database whose keys are
// the passwords. Options: a makes the password the account code (with m the account), r removes the
// key from the database (with d). Reading a file needs a directory that dialplans
// may use.
func authenticate(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 4)
	if a[0] == "" {
		x.Warn("Authenticate: a password, a file or a family of the database is needed")
		return run.ErrEnd
	}
	if _, err := upFirst(ctx, x, false, false); err != nil {
		return err
	}
	max := whole(a[2])
	if max <= 0 || max > mostDigits {
		max = mostDigits
	}
	prompt := orElse(a[3], "agent-pass")
	for range authTries {
		between, first := x.Timeouts()
		r := &reading{prompts: mediaURIs(x, prompt, false), max: max, ends: "#", first: first, between: between}
		typed, _, err := r.digits(ctx, x)
		if err != nil && !errors.Is(err, pbx.ErrTimeout) {
			return err
		}
		account, ok, err := passwordOf(ctx, x, a[0], a[1], typed)
		if err != nil {
			x.Warn("Authenticate: %v", err)
			break
		}
		if ok {
			return admitted(ctx, x, a[1], account)
		}
		prompt = "auth-incorrect"
	}
	if err := playAll(ctx, x, "sound:vm-goodbye"); err != nil && !unheard(err) {
		return err
	}
	return run.ErrEnd
}

// admitted thanks and notes the account.
func admitted(ctx context.Context, x *run.Exec, opts, account string) error {
	if strings.Contains(opts, "a") {
		r := x.CDR()
		r.Lock()
		r.AccountCode = account
		r.Unlock()
	}
	err := playAll(ctx, x, "sound:auth-thankyou")
	x.Flush()
	if unheard(err) {
		return nil
	}
	return err
}

// passwordOf checks what was typed, and gives the account it stands for.
func passwordOf(ctx context.Context, x *run.Exec, source, opts, typed string) (account string, ok bool, err error) {
	switch {
	case typed == "":
		return "", false, nil
	case !strings.HasPrefix(source, "/"):
		return typed, same(source, typed), nil
	case strings.Contains(opts, "d"):
		db := x.Machine().Options().DB
		if db == nil {
			return "", false, errors.New("there is no database")
		}
		family := strings.Trim(source, "/")
		_, ok, err := db.DBGet(ctx, family, typed)
		if ok && err == nil && strings.Contains(opts, "r") {
			_, err = db.DBDel(ctx, family, typed)
		}
		return typed, ok && err == nil, err
	}
	text, err := x.Machine().Switch().ReadFile(source)
	if err != nil {
		return "", false, err
	}
	if strings.Contains(opts, "m") {
		account, ok = accountIn(text, typed)
		return account, ok, nil
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		ok = ok || same(strings.TrimSpace(s.Text()), typed)
	}
	return typed, ok, nil
}

// accountIn finds the account of a password in lines "account:hash".
func accountIn(text []byte, typed string) (account string, ok bool) {
	sum := md5.Sum([]byte(typed)) // the format of Asterisk's file
	hash := hex.EncodeToString(sum[:])
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		name, h, found := strings.Cut(strings.TrimSpace(s.Text()), ":")
		if found && same(strings.ToLower(strings.TrimSpace(h)), hash) {
			account, ok = name, true
		}
	}
	return account, ok
}

// same compares in a time that tells nothing.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
