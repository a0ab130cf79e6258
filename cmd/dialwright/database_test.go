package main

import (
	"database/sql"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// makeAstDB is the script command `astdb FILE KEY VALUE …`: it makes an astdb.sqlite3 with
// Asterisk's schema. A value @FILE is the text of a file.
func makeAstDB(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args)%2 != 1 {
		ts.Fatalf("usage: astdb FILE KEY VALUE …")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0])) // the driver comes with the server
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(`CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))`)
	ts.Check(err)
	for i := 1; i < len(args); i += 2 {
		value := args[i+1]
		if name, ok := cutAt(value); ok {
			b, err := os.ReadFile(ts.MkAbs(name))
			ts.Check(err)
			value = string(b)
		}
		_, err = db.Exec(`INSERT INTO astdb VALUES (?, ?)`, args[i], value)
		ts.Check(err)
	}
}

// cutAt gives the file of a value that begins with @.
func cutAt(value string) (string, bool) {
	if len(value) > 1 && value[0] == '@' {
		return value[1:], true
	}
	return "", false
}
