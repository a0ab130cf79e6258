package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// conn is the write connection with its prepared statements. It speaks to the
// driver without database/sql: the pool's locks, copies and checks between it
// and a connection that only one goroutine uses cost as much as a small
// statement itself.
type conn struct {
	c     driver.Conn
	stmts map[string]stmt // by text
	args  []driver.NamedValue
}

// stmt is what the driver's statements can do.
type stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// openConn opens a connection of its own by the driver of db.
func openConn(db *sql.DB, dsn string) (*conn, error) {
	c, err := db.Driver().Open(dsn)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: map[string]stmt{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

func (c *conn) prepare(query string) (stmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	p, err := c.c.Prepare(query)
	if err != nil {
		return nil, fmt.Errorf("prepare %.60q: %w", query, err)
	}
	st, ok := p.(stmt)
	if !ok {
		p.Close()
		return nil, fmt.Errorf("prepare %.60q: driver gave a %T", query, p)
	}
	c.stmts[query] = st
	return st, nil
}

// exec runs a statement that gives no rows. Its context is never cancelled: what the
// writer has taken up is carried through.
func (c *conn) exec(query string, args []any) (driver.Result, error) {
	st, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	if err := c.bind(args); err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), c.args) // see above
}

// query runs a statement and has each called for every row.
func (c *conn) query(query string, args []any, each func(scanner) error) (err error) {
	st, err := c.prepare(query)
	if err != nil {
		return err
	}
	if err := c.bind(args); err != nil {
		return err
	}
	rows, err := st.QueryContext(context.Background(), c.args) // see exec
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	r := make(values, len(rows.Columns()))
	for {
		switch err := rows.Next(r); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(r); err != nil {
			return err
		}
	}
}

// bind fills c.args.
func (c *conn) bind(args []any) error {
	c.args = slices.Grow(c.args[:0], len(args))
	for i, a := range args {
		switch v := a.(type) {
		case string, int64, bool, nil:
		case int:
			a = int64(v)
		default:
			var err error
			if a, err = driver.DefaultParameterConverter.ConvertValue(v); err != nil {
				return fmt.Errorf("argument %d: %w", i+1, err)
			}
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return nil
}

// scanner is a row that can be read: of database/sql or of the write connection.
type scanner interface{ Scan(dst ...any) error }

// values is one row of the write connection.
type values []driver.Value

// Scan copies the row into dst: pointers to strings, integers and booleans of
// any named type, and whatever scans itself.
func (r values) Scan(dst ...any) error {
	if len(dst) != len(r) {
		return fmt.Errorf("scan: %d columns into %d values", len(r), len(dst))
	}
	for i, d := range dst {
		if err := assign(d, r[i]); err != nil {
			return fmt.Errorf("scan column %d: %w", i+1, err)
		}
	}
	return nil
}

func assign(dst any, v driver.Value) error {
	switch d := dst.(type) {
	case sql.Scanner:
		return d.Scan(v)
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
	case *string:
		if s, ok := v.(string); ok {
			*d = s
			return nil
		}
	}
	to := reflect.ValueOf(dst).Elem()
	switch v := v.(type) {
	case int64:
		switch {
		case to.CanInt() && !to.OverflowInt(v):
			to.SetInt(v)
			return nil
		case to.Kind() == reflect.Bool:
			to.SetBool(v != 0)
			return nil
		case to.Kind() == reflect.String:
			to.SetString(fmt.Sprint(v))
			return nil
		}
	case string:
		if to.Kind() == reflect.String {
			to.SetString(v)
			return nil
		}
	}
	return fmt.Errorf("%T does not take a %T", dst, v)
}

// inserter is an INSERT of several rows at a time: one statement for many rows
// costs much less than one for each.
type inserter struct {
	cols  int
	texts [len(insertSizes)]string
}

// insertSizes are the numbers of rows for which there is a statement.
var insertSizes = [...]int{64, 8, 1}

// newInserter makes the texts of "INSERT INTO table (a, b)".
func newInserter(head string, cols int) inserter {
	in := inserter{cols: cols}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", cols), ",") + ")"
	for i, n := range insertSizes {
		in.texts[i] = head + " VALUES " + strings.TrimSuffix(strings.Repeat(row+",", n), ",")
	}
	return in
}

// insert stores the rows whose columns follow one another in flat.
func (t *tx) insert(in *inserter, flat []any) error {
	for i, n := range insertSizes {
		for n *= in.cols; len(flat) >= n; flat = flat[n:] {
			if _, err := t.exec(in.texts[i], flat[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}
