package rawjson

import "bytes"

// Set returns a copy of the object b in which the top-level member key has the value raw: replaced where it stands
// (everywhere, if it stands twice), else appended. All other bytes stay as they are. A b that is no valid object is
// copied unchanged.
func Set(b []byte, key string, raw []byte) []byte {
	out := make([]byte, 0, len(b)+len(key)+len(raw)+4)
	done, found, last := 0, false, -1
	err := scan(b, func(m span) bool {
		if string(m.key) == key {
			out = append(append(out, b[done:m.val]...), raw...)
			done, found = m.end, true
		}
		last = m.end
		return true
	})
	if err != nil || !isObject(b) {
		return bytes.Clone(b)
	}
	if found {
		return append(out, b[done:]...)
	}
	at := last
	if last < 0 {
		at = bytes.IndexByte(b, '{') + 1
	}
	out = append(out, b[:at]...)
	if last >= 0 {
		out = append(out, ',')
	}
	out = append(append(append(out, Quote(key)...), ':'), raw...)
	return append(out, b[at:]...)
}

// Delete returns a copy of the object b without the top-level member key, and one comma less. All other bytes stay as
// they are. A b that is no valid object is copied unchanged.
func Delete(b []byte, key string) []byte {
	out := make([]byte, 0, len(b))
	done := 0  // b[:done] is in out or deleted
	drop := -1 // ≥ 0: a deleted member starts here, its end is not known yet
	kept := -1 // end of the last member kept
	end := -1  // end of the last member
	err := scan(b, func(m span) bool {
		gone := string(m.key) == key
		if gone && drop < 0 {
			drop = m.name
		}
		if !gone {
			if drop >= 0 {
				out = append(out, b[done:drop]...)
				done, drop = m.name, -1
			}
			kept = m.end
		}
		end = m.end
		return true
	})
	if err != nil || !isObject(b) {
		return bytes.Clone(b)
	}
	if drop >= 0 {
		if kept >= 0 {
			drop = max(kept, done) // the comma goes too
		}
		out = append(out, b[done:drop]...)
		done = end
	}
	return append(out, b[done:]...)
}

func isObject(b []byte) bool {
	i := space(b, 0)
	return i < len(b) && b[i] == '{'
}
