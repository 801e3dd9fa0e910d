package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Errors of journals. Test with errors.Is.
var (
	ErrNoRun   = errors.New("no such run")
	ErrRunBusy = errors.New("another process is at this run")
)

// Names of a journal's files.
const (
	runFile     = "run.json"
	itemsFile   = "items.jsonl"
	journalFile = "journal.jsonl"
)

// Journal keeps a run in a folder while it goes on: the run, its items as they were, and what became of each ask. An answer is on the disk
// before the next thing is asked, so that a process that dies pays for nothing twice. Safe for concurrent use.
type Journal struct {
	dir string

	mu   sync.Mutex // guards file and bad
	file *os.File
	bad  error // the first that failed: nothing is written behind it
}

// entry is a line of the journal: an ask that begins, or a result.
type entry struct {
	Begin  *Key    `json:"begin,omitempty"`
	Result *Result `json:"result,omitempty"`
}

// Journaled is what a journal says.
type Journaled struct {
	Run     Run
	Items   []Item
	Results []Result     // the last of each key, sorted
	Open    map[Key]bool // begun, and nothing more is known
}

// CreateJournal makes the folder of a new run below dir.
func CreateJournal(dir string, run *Run, items []Item) (*Journal, error) {
	at := filepath.Join(dir, run.ID)
	if err := os.MkdirAll(at, 0o700); err != nil { // prompts and answers are not for everybody
		return nil, fmt.Errorf("make the run's folder (name another with --dir): %w", err)
	}
	if err := unversioned(dir); err != nil {
		return nil, err
	}
	j := &Journal{dir: at}
	var text bytes.Buffer
	if err := WriteJSONL(&text, items); err != nil {
		return nil, err
	}
	if err := replaceFile(filepath.Join(at, itemsFile), text.Bytes()); err != nil {
		return nil, err
	}
	if err := j.SetRun(run); err != nil {
		return nil, err
	}
	return j, j.open()
}

// OpenJournal takes up a run's folder again. ErrNoRun, ErrRunBusy.
func OpenJournal(dir, id string) (*Journal, Journaled, error) {
	j := &Journal{dir: filepath.Join(dir, id)}
	if !isName(id) {
		return nil, Journaled{}, fmt.Errorf("%w: %.70q", ErrNoRun, id)
	}
	if _, err := os.Stat(filepath.Join(j.dir, runFile)); err != nil {
		return nil, Journaled{}, fmt.Errorf("%w: %s", ErrNoRun, id)
	}
	if err := j.open(); err != nil {
		return nil, Journaled{}, err
	}
	was, err := ReadJournal(dir, id)
	if err == nil {
		err = j.cut()
	}
	if err != nil {
		return nil, Journaled{}, errors.Join(err, j.Close())
	}
	return j, was, nil
}

func (j *Journal) open() error {
	f, err := os.OpenFile(filepath.Join(j.dir, journalFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the run's journal: %w", err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("%w: %s", ErrRunBusy, filepath.Base(j.dir))
	}
	j.file = f
	return nil
}

// cut takes a last line off that a dying process did not finish, and goes to the end.
func (j *Journal) cut() error {
	text, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read the run's journal: %w", err)
	}
	whole := int64(bytes.LastIndexByte(text, '\n') + 1)
	if err := j.file.Truncate(whole); err != nil {
		return fmt.Errorf("mend the run's journal: %w", err)
	}
	_, err = j.file.Seek(whole, io.SeekStart)
	return err
}

// ReadJournal reads a run's folder. It may be another process's at this moment. ErrNoRun when there is none.
func ReadJournal(dir, id string) (Journaled, error) {
	out := Journaled{Open: map[Key]bool{}}
	at := filepath.Join(dir, id)
	text, err := os.ReadFile(filepath.Join(at, runFile))
	if err != nil || !isName(id) {
		return out, fmt.Errorf("%w: %.70s", ErrNoRun, id)
	}
	if err := json.Unmarshal(text, &out.Run); err != nil {
		return out, fmt.Errorf("the run %s is damaged: %w", id, err)
	}
	items, err := os.Open(filepath.Join(at, itemsFile))
	if err != nil {
		return out, fmt.Errorf("read the run's items: %w", err)
	}
	defer items.Close()
	if out.Items, err = ReadJSONL(itemsFile, items); err != nil {
		return out, fmt.Errorf("the run %s is damaged: %w", id, err)
	}
	return out, out.read(filepath.Join(at, journalFile))
}

// read reads the entries; a last line without its end does not count.
func (out *Journaled) read(file string) error {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the run's journal: %w", err)
	}
	defer f.Close()
	results := map[Key]*Result{}
	lines := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the run's journal: %w", err)
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("the run's journal %s is damaged in line %d: %w", file, n, err)
		}
		switch {
		case e.Begin != nil:
			out.Open[*e.Begin] = true
		case e.Result != nil:
			results[e.Result.Key] = e.Result
			delete(out.Open, e.Result.Key)
		}
	}
	for _, r := range results {
		out.Results = append(out.Results, *r)
	}
	slices.SortFunc(out.Results, func(a, b Result) int { return order(&a, &b) })
	return nil
}

// Begin notes that something is about to be asked.
func (j *Journal) Begin(k Key) error { return j.write(entry{Begin: &k}, false) }

// Put keeps a result, on the disk when it returns.
func (j *Journal) Put(r *Result) error { return j.write(entry{Result: r}, true) }

func (j *Journal) write(e entry, sync bool) error {
	line := append(marshal(e), '\n')
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.bad != nil {
		return j.bad
	}
	_, err := j.file.Write(line)
	if err == nil && sync {
		err = j.file.Sync()
	}
	if err != nil {
		j.bad = fmt.Errorf("write the run's journal (is the disk full?): %w", err)
	}
	return j.bad
}

// SetRun keeps how the run stands.
func (j *Journal) SetRun(run *Run) error {
	text, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return fmt.Errorf("write the run: %w", err)
	}
	return replaceFile(filepath.Join(j.dir, runFile), append(text, '\n'))
}

// replaceFile puts a file in place of another whole.
func replaceFile(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// RemoveJournal removes a run's folder below dir; that there is none is fine. ErrRunBusy when a process is at it.
func RemoveJournal(dir, id string) error {
	j, _, err := OpenJournal(dir, id)
	if errors.Is(err, ErrNoRun) {
		return nil
	}
	if errors.Is(err, ErrRunBusy) {
		return err
	}
	if err == nil {
		defer j.Close()
	}
	if err := os.RemoveAll(filepath.Join(dir, id)); err != nil {
		return fmt.Errorf("remove the run's folder: %w", err)
	}
	return nil
}

// Journals are the ids of the runs that have a folder below dir.
func Journals(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", runFile))
	if err != nil {
		return nil, fmt.Errorf("look for runs in %s: %w", dir, err)
	}
	out := make([]string, 0, len(found))
	for _, f := range found {
		out = append(out, filepath.Base(filepath.Dir(f)))
	}
	return out, nil
}

// Close lets go of the folder. It can be called twice.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file, j.bad = nil, errors.New("the run's journal is closed")
	return err
}

// failure is why nothing can be written any more, or nil.
func (j *Journal) failure() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bad
}

// unversioned keeps a folder of runs out of the repository that it may be in.
func unversioned(dir string) error {
	file := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	return replaceFile(file, []byte("*\n"))
}
