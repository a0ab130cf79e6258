package directory

import (
	"context"
	"errors"
)

// Errors of the directory, found with errors.Is.
var (
	ErrUnknown    = errors.New("no such user")
	ErrConfigured = errors.New("the user is in the configuration; change it there")
	ErrInvalid    = errors.New("invalid") // wrapped with what is wrong and what to do
)

// Record is a user with its secrets, as a source has them. None of the secrets is ever
// logged or shown.
type Record struct {
	User
	PasswordHash string // argon2id, PHC form; "" = none
	Digest       string // HA1: 32 hex digits of MD5 over "local:realm:password"; "" = none
	LinkSecret   string // sealed (package seal); "" = none
}

// Store keeps the users that commands write. store/sqlite implements it.
type Store interface {
	// Users gives all records, in the order of their names.
	Users(ctx context.Context) ([]Record, error)
	// PutUser makes or replaces a record.
	PutUser(ctx context.Context, r Record) error
	// DeleteUser removes one and says whether there was one.
	DeleteUser(ctx context.Context, n Name) (existed bool, err error)
}

// Options are what a directory is made of.
type Options struct {
	Store Store // nil = the configuration only
	// Open gives the text of a sealed link secret, or an error that says what to do.
	Open func(sealed string) (string, error)
	// Seal is the reverse.
	Seal func(plain string) (string, error)
}

// Directory is the users in force. It is safe for concurrent use; reads cost no I/O.
type Directory struct {
	o Options
}
