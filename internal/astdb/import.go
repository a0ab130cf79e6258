package astdb

import "context"

// Options say what an import does with what is there already.
type Options struct {
	Overwrite bool // replace the values that the store has
	Once      bool // take each path one time only, however often it is imported
	DryRun    bool // count, but change nothing
}

// Counts say what an import did, or would do.
type Counts struct {
	Added    int // were not there
	Replaced int // had another value
	Same     int // had the same value
	Kept     int // had another value, which stays
	Before   int // with Once: were imported before
}

// Add adds up.
func (c Counts) Add(d Counts) Counts {
	return Counts{c.Added + d.Added, c.Replaced + d.Replaced, c.Same + d.Same, c.Kept + d.Kept, c.Before + d.Before}
}

// Importer takes one batch of entries as one transaction. Stores implement it.
type Importer interface {
	DBImport(ctx context.Context, list []Entry, o Options) (Counts, error)
}

// Bounds of a batch, so that calls need not wait for an import.
const (
	batchEntries = 500
	batchBytes   = 1 << 20
)

// Batches cuts a list into pieces that are taken in one transaction each: at most 500
// entries and, unless a single one has more, a megabyte.
func Batches(list []Entry) [][]Entry {
	var out [][]Entry
	for len(list) > 0 {
		n, size := 0, 0
		for n < len(list) && n < batchEntries {
			if size += len(list[n].Path) + len(list[n].Value); n > 0 && size > batchBytes {
				break
			}
			n++
		}
		out = append(out, list[:n])
		list = list[n:]
	}
	return out
}

// Import takes a list over, batch by batch. After an error the counts are those of the
// batches before it, which stay.
func Import(ctx context.Context, db Importer, list []Entry, o Options) (Counts, error) {
	var sum Counts
	for _, batch := range Batches(list) {
		n, err := db.DBImport(ctx, batch, o)
		if err != nil {
			return sum, err
		}
		sum = sum.Add(n)
	}
	return sum, nil
}
