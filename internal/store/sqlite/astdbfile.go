package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/dialwright/dialwright/internal/astdb"
)

// maxAstDB bounds the bytes of an astdb.sqlite3 that is read.
const maxAstDB = 1 << 30

// The first bytes of the files that may be called astdb (SQLite: fileformat2;
// Asterisk 1.8 and older: Berkeley DB 1.85, of either byte order).
const (
	magicSQLite   = "SQLite format 3\x00"
	magicBerkeley = "\x00\x06\x15\x61"
	magicBerkLE   = "\x61\x15\x06\x00"
)

// AstDBProblem is an entry that was not read as it is written, or not at all.
type AstDBProblem struct {
	Key  string // as it stands in the file
	Text string // what is wrong and what becomes of it
}

// String gives "/fam/key: …".
func (p AstDBProblem) String() string { return fmt.Sprintf("%.200q: %s", p.Key, p.Text) }

// ReadAstDB reads an Asterisk's astdb.sqlite3 whole, in the order of its keys, while the
// Asterisk may be writing it. The file, its directory and what belongs to it (a journal, a
// write-ahead log) are only read: nothing is locked for longer than reading takes, and
// nothing is made beside it. Entries whose keys or values are not UTF-8 are taken as
// Latin-1. The error names the file.
func ReadAstDB(ctx context.Context, path string) ([]astdb.Entry, []AstDBProblem, error) {
	list, problems, err := readAstDB(ctx, path)
	if err != nil {
		return nil, nil, fmt.Errorf("AstDB %s: %w", path, err)
	}
	return list, problems, nil
}

func readAstDB(ctx context.Context, path string) ([]astdb.Entry, []AstDBProblem, error) {
	inLog, err := astDBHeader(path)
	if err != nil {
		return nil, nil, err
	}
	if inLog || notEmpty(path+"-journal") {
		// SQLite would write beside the file, or into it, to see what is in its log.
		dir, err := os.MkdirTemp("", "astdb")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(dir)
		copied := filepath.Join(dir, "astdb.sqlite3")
		if err := copyAstDB(path, copied); err != nil {
			return nil, nil, err
		}
		return astDBRows(ctx, copied, "rw")
	}
	return astDBRows(ctx, path, "ro")
}

// astDBFiles are the endings of a database and of what belongs to it.
func astDBFiles() []string { return []string{"", "-wal", "-journal"} }

// copyTries is how often a database is copied that changes while it is.
const copyTries = 5

// copyAstDB copies a database with its logs, as they are at one moment.
func copyAstDB(from, to string) error {
	for range copyTries {
		before := astDBState(from)
		for _, suffix := range astDBFiles() {
			if err := copyFile(from+suffix, to+suffix); err != nil && (suffix == "" || !errors.Is(err, os.ErrNotExist)) {
				return err
			}
		}
		if astDBState(from) == before {
			return nil
		}
	}
	return errors.New("changes all the time while it is read; try again")
}

// astDBState changes whenever a database or one of its logs does.
func astDBState(path string) string {
	var b strings.Builder
	for _, suffix := range astDBFiles() {
		if info, err := os.Stat(path + suffix); err == nil {
			fmt.Fprintln(&b, suffix, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// astDBHeader looks what kind of file it is. inLog: changes may be in a write-ahead log.
func astDBHeader(path string) (inLog bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, errors.New("is not a file")
	case info.Size() == 0:
		return false, errors.New("is empty; it is no database")
	case info.Size() > maxAstDB:
		return false, fmt.Errorf("has %d bytes; at most %d are read", info.Size(), maxAstDB)
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 20)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	switch magic := string(head[:n]); {
	case strings.HasPrefix(magic, magicBerkeley) || strings.HasPrefix(magic, magicBerkLE):
		return false, errors.New("is the AstDB of an Asterisk before 10 (Berkeley DB); make an astdb.sqlite3 of it with Asterisk's astdb2sqlite3")
	case !strings.HasPrefix(magic, magicSQLite) || n < 20:
		return false, errors.New("is not an SQLite database")
	}
	return head[18] == 2 || head[19] == 2, nil // file format: 2 = WAL
}

func notEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}

// copyFile makes a file anew. If there is none to copy, there is none afterwards.
func copyFile(from, to string) (err error) {
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, io.LimitReader(in, maxAstDB))
	return err
}

// astDBRows reads the table.
func astDBRows(ctx context.Context, path, mode string) (list []astdb.Entry, problems []AstDBProblem, err error) {
	q := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	rows, err := db.QueryContext(ctx, `SELECT CAST(key AS BLOB), CAST(value AS BLOB) FROM astdb ORDER BY key`)
	if err != nil {
		if strings.Contains(err.Error(), "no such") {
			return nil, nil, errors.New("has no table astdb with key and value, so it is none of Asterisk's")
		}
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key, value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return nil, nil, err
		}
		e, problem, ok := astDBEntry(string(key), string(value))
		if problem != "" {
			problems = append(problems, AstDBProblem{string(key), problem})
		}
		if ok {
			list = append(list, e)
		}
	}
	return list, problems, rows.Err()
}

// astDBEntry makes an entry of a row. problem is "" if it is as it should be, ok says
// whether it can be taken.
func astDBEntry(key, value string) (e astdb.Entry, problem string, ok bool) {
	path, rooted := strings.CutPrefix(key, "/")
	family, rest, cut := strings.Cut(path, "/")
	if !rooted || !cut || family == "" || rest == "" {
		return e, "is not /family/key; it is left out", false
	}
	if !utf8.ValidString(path) || !utf8.ValidString(value) {
		problem = "is not UTF-8; it is taken as Latin-1"
	}
	return astdb.Entry{Path: fromLatin1(path), Value: fromLatin1(value)}, problem, true
}

// fromLatin1 gives text that is UTF-8, taking each byte of one that is not as a character.
func fromLatin1(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
