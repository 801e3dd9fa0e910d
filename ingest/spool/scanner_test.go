package spool

import (
	"bytes"
	"fmt"
	"testing"
)

var testID = spoolID{1, 2, 3}

func sealedFrame(n int64, request string) []byte {
	b := newSeal(testID).putFrame(nil, &frame{kind: kindRecord, at: 7, meta: putRecord(nil, call(fmt.Sprint("c", n), 0)), request: []byte(request)})
	newSeal(testID).stamp(b, n)
	return b
}

// FuzzScanner: whatever lies between two frames, both are found, in windows of any size, and every byte is either in a
// frame, reported as damaged or cut short by the end.
func FuzzScanner(f *testing.F) {
	first, second := sealedFrame(1, "one"), sealedFrame(2, "two")
	f.Add([]byte{}, 64)
	f.Add(magic, 64)
	f.Add(make([]byte, 300), 100)
	f.Add(first[:50], 45)
	f.Add(sealedFrame(3, "three")[:60], 60)
	f.Add(second[:len(second)-1], 1000)
	other := newSeal(spoolID{9}).putFrame(nil, &frame{kind: kindRecord, meta: []byte("of another spool")})
	newSeal(spoolID{9}).stamp(other, 5)
	f.Add(other, 50)
	f.Fuzz(func(t *testing.T, between []byte, size int) {
		if len(between) > 1<<16 {
			return
		}
		data := append(append(append([]byte{}, first...), between...), second...)
		s := newScanner(bytes.NewReader(data), newSeal(testID), 0, int64(len(data)))
		s.window = 64 + size&0xfff
		covered := int64(0)
		s.damaged = func(from, to, _ int64) { covered += to - from }
		var numbers []int64
		for {
			fr, at, ok := s.next()
			if !ok {
				break
			}
			if !bytes.Equal(data[at : at+int64(fr.size())][headSize:headSize+len(fr.meta)], fr.meta) {
				t.Fatal("the frame is not what lies there")
			}
			covered += int64(fr.size())
			numbers = append(numbers, fr.number)
		}
		if s.torn >= 0 {
			covered += int64(len(data)) - s.torn
		}
		if s.err != nil || covered != int64(len(data)) {
			t.Fatalf("%d of %d bytes accounted for, error %v", covered, len(data), s.err)
		}
		for i := range between {
			if _, ok := newSeal(testID).checkHead(between[i:]); ok {
				return // a head of its own, which may reach into the second frame
			}
		}
		if len(numbers) < 2 || numbers[0] != 1 || numbers[len(numbers)-1] != 2 {
			t.Fatalf("found %v, want the first and the second", numbers)
		}
	})
}

func TestScannerKeepsFrames(t *testing.T) {
	var data []byte
	for i := range 50 {
		data = append(data, sealedFrame(int64(i+1), fmt.Sprint("request ", i))...)
	}
	s := newScanner(bytes.NewReader(data), newSeal(testID), 0, int64(len(data)))
	s.keep, s.window, s.spare = true, 700, make([]byte, 700)
	var frames []frame
	for {
		fr, _, ok := s.next()
		if !ok {
			break
		}
		frames = append(frames, fr)
	}
	for i, fr := range frames {
		if want := fmt.Sprint("request ", i); string(fr.request) != want {
			t.Errorf("frame %d holds %q after the others were read, want %q", i, fr.request, want)
		}
	}
	if len(frames) != 50 {
		t.Errorf("%d frames, want 50", len(frames))
	}
}
