package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// mailboxes count messages for ARI. They live in AstDB as "old/new", so that the
// dialplan sees them: ${DB(MailboxCounts/101@default)}.
type mailboxes struct{ db database }

// database is what they need of AstDB.
type database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
}

const mailboxFamily = "MailboxCounts"

// List implements door/ari.Mailboxes.
func (m mailboxes) List(ctx context.Context) ([]wire.Mailbox, error) {
	out := []wire.Mailbox{}
	err := m.db.DBTree(ctx, mailboxFamily, func(path, value string) {
		if name, ok := strings.CutPrefix(path, mailboxFamily+"/"); ok {
			out = append(out, mailbox(name, value))
		}
	})
	return out, err
}

// Get implements door/ari.Mailboxes.
func (m mailboxes) Get(ctx context.Context, name string) (wire.Mailbox, bool, error) {
	v, ok, err := m.db.DBGet(ctx, mailboxFamily, name)
	return mailbox(name, v), ok, err
}

// Set implements door/ari.Mailboxes.
func (m mailboxes) Set(ctx context.Context, b wire.Mailbox) error {
	return m.db.DBPut(ctx, mailboxFamily, b.Name, fmt.Sprintf("%d/%d", b.OldMessages, b.NewMessages))
}

// Delete implements door/ari.Mailboxes.
func (m mailboxes) Delete(ctx context.Context, name string) (bool, error) {
	return m.db.DBDel(ctx, mailboxFamily, name)
}

// mailbox reads a value; what somebody else wrote there and is no pair of numbers
// counts as none.
func mailbox(name, value string) wire.Mailbox {
	older, newer, _ := strings.Cut(value, "/")
	o, _ := strconv.Atoi(older)
	n, _ := strconv.Atoi(newer)
	return wire.Mailbox{Name: name, OldMessages: o, NewMessages: n}
}
