package spool

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"
)

// The checkpoint is a ring of slots, each a page with the whole state and a checksum; the newest whole one holds. It is
// written by putting the next state over the oldest: nothing grows, so that it can be written on a full disk, and
// what is torn by a crash is never the state before.
const (
	checkpointName  = "checkpoint"
	checkpointPage  = 4096
	checkpointSlots = 8
)

var (
	checkpointMagic = []byte("WEIRCKP\n")
	slotMagic       = []byte{0xf5, 'C', 0x1e, 0xfe}
)

// state is how far the records have come. Numbers up to Done are settled: written, quarantined, found damaged, or taken
// out of quarantine again.
type state struct {
	Seq           int64   `json:"seq"`
	Done          int64   `json:"done"`
	Quarantined   int64   `json:"quarantined"`
	Damaged       int64   `json:"damaged"` // of the quarantined, those whose bytes are damaged
	Dropped       int64   `json:"dropped"`
	BodiesDropped int64   `json:"bodies_dropped"`
	AtRisk        int64   `json:"at_risk"`
	Discarded     int64   `json:"discarded,omitempty"` // taken out of quarantine for good
	Resent        int64   `json:"resent,omitempty"`    // given back from quarantine, under new numbers
	ResentTo      int64   `json:"resent_to,omitempty"` // the newest of these numbers
	Leaving       int64   `json:"leaving,omitempty"`   // was resent or discarded last: its file in quarantine goes
	Suspect       int64   `json:"suspect,omitempty"`   // up to this number the store is asked before records are sent
	Intent        *intent `json:"intent,omitempty"`    // the batch that is being sent
}

// intent is the range of a batch. It is on the disk before the batch is sent, so that after a crash the same batch is
// sent again under the same token.
type intent struct {
	First int64     `json:"first"`
	Last  int64     `json:"last"`
	Since time.Time `json:"since"` // when it was first sent
}

// checkpoint is the file. Not safe for concurrent use.
type checkpoint struct {
	file  *os.File
	id    spoolID
	state state
	dirty bool // written, but perhaps not on the disk
}

var errNoCheckpoint = errors.New("no checkpoint")

// readCheckpoint reads id and state: errNoCheckpoint when there is none that can be read. doubtful says that
// a newer state was there and cannot be read.
func readCheckpoint(dir string) (id spoolID, st state, doubtful bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, checkpointName))
	if errors.Is(err, os.ErrNotExist) {
		return id, st, false, errNoCheckpoint
	}
	if err != nil {
		return id, st, false, fmt.Errorf("read checkpoint: %w", err)
	}
	id, err = checkpointID(b)
	if err != nil {
		return id, st, false, err
	}
	newest := int64(-1)
	for i := range int64(checkpointSlots) {
		slot := b[min(int64(len(b)), (i+1)*checkpointPage):min(int64(len(b)), (i+2)*checkpointPage)]
		if got, ok := readSlot(slot, newSeal(id)); ok && got.Seq > newest && got.Seq%checkpointSlots == i {
			st, newest = got, got.Seq
		}
	}
	if newest < 0 {
		return id, st, false, errNoCheckpoint
	}
	next := (newest + 1) % checkpointSlots
	slot := b[min(int64(len(b)), (next+1)*checkpointPage):min(int64(len(b)), (next+2)*checkpointPage)]
	_, ok := readSlot(slot, newSeal(id))
	doubtful = !ok && len(bytes.TrimLeft(slot, "\x00")) > 0
	return id, st, doubtful, nil
}

func checkpointID(b []byte) (id spoolID, err error) {
	if len(b) < 64 || !bytes.HasPrefix(b, checkpointMagic) || binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], table) {
		return id, errNoCheckpoint
	}
	if major := binary.LittleEndian.Uint16(b[8:]); major > formatMajor {
		return id, fmt.Errorf("%w: checkpoint format %d, this weir reads %d", ErrNewer, major, formatMajor)
	}
	return spoolID(b[16:32]), nil
}

func readSlot(b []byte, s seal) (state, bool) {
	var st state
	if len(b) < 12 || !bytes.HasPrefix(b, slotMagic) {
		return st, false
	}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if n > len(b)-12 || binary.LittleEndian.Uint32(b[8:]) != s.sum(b[12:12+n]) {
		return st, false
	}
	return st, json.Unmarshal(b[12:12+n], &st) == nil
}

func putSlot(st *state, s seal) ([]byte, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, 12+len(text)), slotMagic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	b = binary.LittleEndian.AppendUint32(b, s.sum(text))
	b = append(b, text...)
	if len(b) > checkpointPage {
		return nil, errors.New("state does not fit a slot")
	}
	return b, nil
}

// makeCheckpoint writes a new file whole, space for all slots included.
func makeCheckpoint(dir string, id spoolID, st state) error {
	b := make([]byte, (1+checkpointSlots)*checkpointPage)
	copy(b, checkpointMagic)
	binary.LittleEndian.PutUint16(b[8:], formatMajor)
	binary.LittleEndian.PutUint16(b[10:], formatMinor)
	copy(b[16:], id[:])
	putSum(b)
	slot, err := putSlot(&st, newSeal(id))
	if err != nil {
		return err
	}
	copy(b[(1+st.Seq%checkpointSlots)*checkpointPage:], slot)
	return writeWhole(filepath.Join(dir, checkpointName), b)
}

// openCheckpoint opens the file of a directory for writing.
func openCheckpoint(dir string, id spoolID, st state) (*checkpoint, error) {
	f, err := os.OpenFile(filepath.Join(dir, checkpointName), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	return &checkpoint{file: f, id: id, state: st}, nil
}

// put writes a state; sync makes it outlive a power cut.
func (c *checkpoint) put(st state) error {
	st.Seq = c.state.Seq + 1
	slot, err := putSlot(&st, newSeal(c.id))
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if _, err := c.file.WriteAt(slot, (1+st.Seq%checkpointSlots)*checkpointPage); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	c.state, c.dirty = st, true
	return nil
}

func (c *checkpoint) sync() error {
	if !c.dirty {
		return nil
	}
	if err := syncData(c.file); err != nil {
		return fmt.Errorf("sync checkpoint: %w", err)
	}
	c.dirty = false
	return nil
}

// writeWhole writes a file so that it is there whole or not at all, on the disk when it returns.
func writeWhole(path string, parts ...[]byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // once it has its name there is nothing to remove
	for _, b := range parts {
		if _, err := f.Write(b); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func newSpoolID() (id spoolID) {
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return id
}
