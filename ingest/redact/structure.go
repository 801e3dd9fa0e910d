package redact

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
)

// structural are the names of strings that steer a call and carry nothing said in it.
var structural = set(
	"id", "model", "object", "role", "type", "status", "index", "created", "created_at", "created_by", "completed_at",
	"finish_reason", "finishReason", "native_finish_reason", "stop_reason", "stopReason", "system_fingerprint",
	"service_tier", "call_id", "item_id", "tool_call_id", "tool_use_id", "response_id", "responseId",
	"previous_response_id", "request_id", "file_id", "model_version", "modelVersion", "signature", "thoughtSignature",
	"thought_signature", "encrypted_content", "obfuscation", "encoding_format", "media_type", "mimeType", "mime_type",
	"code", "provider", "generation_id", "prompt_cache_key",
)

// skipped are the names of arrays and objects that hold nothing but counts.
var skipped = set("usage", "usageMetadata", "usage_metadata", "timings")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// isFree says that below a member everything is content: what a tool is given and gives back, and what users attach.
func isFree(key, parent []byte, object bool) bool {
	switch string(key) {
	case "input", "args":
		return object
	case "arguments", "metadata":
		return true
	case "response":
		return string(parent) == "functionResponse" || string(parent) == "function_response"
	}
	return false
}

// fragmentPaths are where texts come in fragments, beside what lies below a delta.
var fragmentPaths = set(
	".choices.text", ".candidates.content.parts.text", ".content_block.text", ".content_block.thinking",
	".message.content", ".message.thinking", ".response",
)

// hasFragments says that the elements of an array there must be told apart.
func hasFragments(path []byte) bool {
	return bytes.HasPrefix(path, []byte(".choices")) || bytes.HasPrefix(path, []byte(".candidates")) || bytes.HasPrefix(path, []byte(".delta"))
}

// isFragment says that the string at a path may go on in the next event.
func isFragment(path []byte) bool {
	below := bytes.HasPrefix(path, []byte(".delta.")) || bytes.HasPrefix(path, []byte(".choices.delta."))
	if !below {
		return string(path) == ".delta" || fragmentPaths[string(path)]
	}
	return !bytes.HasSuffix(path, []byte(".name")) && !bytes.Contains(path, []byte("citation")) && !bytes.Contains(path, []byte("annotation"))
}

// channel names the text that the string at the current path is a fragment of.
func (w *walker) channel() string {
	path := string(w.path)
	switch path {
	case ".content_block.text", ".content_block.thinking":
		path = ".delta" + path[len(".content_block"):]
	}
	if bytes.HasPrefix(w.path, []byte(".choices")) || bytes.HasPrefix(w.path, []byte(".candidates")) {
		return path + string(w.at)
	}
	u := w.unit
	if !u.placed {
		u.placed = true
		var p []byte
		rawjson.Value(bytes.TrimLeft(u.b, " \t\r\n")).Members(func(key []byte, v rawjson.Value) bool {
			switch string(key) {
			case "index", "output_index", "content_index", "summary_index", "item_id":
				p = append(append(append(append(p, '|'), key...), '='), v...)
			case "type":
				if path == ".delta" { // one name for many kinds of text
					p = append(append(p, "|type="...), v...)
				}
			}
			return true
		})
		u.place = string(p)
	}
	return path + string(w.at) + u.place
}

// minPayload is from how many bytes of nothing but base64 a string is a file and no secret.
const minPayload = 512

// isPayload says that a string is the base64 of something large.
func isPayload(t []byte) bool {
	if len(t) < minPayload {
		return false
	}
	for _, c := range t {
		if !isAlnum(c) && c != '+' && c != '/' && c != '=' && c != '-' && c != '_' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

// imageType says that an object has the media type of an image.
func imageType(object []byte) bool {
	image := false
	rawjson.Value(object).Members(func(name []byte, v rawjson.Value) bool {
		switch string(name) {
		case "media_type", "mimeType", "mime_type":
			t, _ := v.Text()
			image = bytes.HasPrefix(t, []byte("image/"))
			return false
		}
		return true
	})
	return image
}

// imageMark stands for an image of which the base64 is given.
func imageMark(b64 []byte) []byte {
	n := base64.RawStdEncoding.DecodedLen(len(bytes.TrimRight(b64, "=")))
	return append(strconv.AppendInt([]byte("[image "), int64(n), 10), " bytes]"...)
}
