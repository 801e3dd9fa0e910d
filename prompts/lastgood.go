package prompts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lastGoodHead begins the file of the last good snapshot; the SHA-256 of what follows the line ends the line.
const lastGoodHead = "weir prompts 1 "

// keep writes the snapshot in force to disk, when it is not there yet.
func (r *Registry) keep() {
	s := r.now.Load()
	if r.cfg.LastGood == "" || s == nil {
		return
	}
	r.mu.Lock()
	there := r.kept == s.Revision()
	r.mu.Unlock()
	if there {
		return
	}
	if err := writeLastGood(r.cfg.LastGood, s.State()); err != nil {
		r.cfg.Log.Warn("the prompts could not be kept on disk; a start without the control plane would go back to older ones", "file", r.cfg.LastGood, "error", err)
		return
	}
	r.mu.Lock()
	r.kept = s.Revision()
	r.mu.Unlock()
}

// writeLastGood replaces the file as a whole.
func writeLastGood(file string, state *State) (err error) {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("write prompts: %w", err)
	}
	sum := sha256.Sum256(text)
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = fmt.Fprintf(f, "%s%s\n%s\n", lastGoodHead, hex.EncodeToString(sum[:]), text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// readLastGood reads the file. One that is damaged in any way gives an error.
func readLastGood(file string) (*State, error) {
	if file == "" {
		return nil, errors.New("no last good prompts are kept on disk")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the last good prompts: %w", err)
	}
	head, text, _ := bytes.Cut(b, []byte{'\n'})
	text = bytes.TrimSuffix(text, []byte{'\n'})
	want, ok := bytes.CutPrefix(head, []byte(lastGoodHead))
	if sum := sha256.Sum256(text); !ok || string(want) != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("the last good prompts in %s are damaged; remove the file", file)
	}
	state := &State{}
	if err := json.Unmarshal(text, state); err != nil {
		return nil, fmt.Errorf("the last good prompts in %s are not readable: %w", file, err)
	}
	return state, nil
}
