package tokens

import (
	"encoding/base64"
	"image"
	_ "image/gif"  // read sizes
	_ "image/jpeg" // read sizes
	_ "image/png"  // read sizes
	"math"
	"strings"
)

// What an image costs Anthropic's models: a token for 750 pixels, after the longer edge is brought to 1568 pixels.
const (
	claudePixels = 750
	claudeEdge   = 1568
	claudeMost   = 1600
)

// patchesMost is the number of 32-pixel patches above which OpenAI scales an image down.
const patchesMost = 1536

// An imageRule is how OpenAI charges images, by its guide to vision: a base (all of it at low detail) and a price for
// each tile of 512 pixels; or, when perPatch is not zero, a price for each patch of 32 pixels, at any detail.
type imageRule struct {
	base, perTile int
	perPatch      float64
}

// imageRules goes by the longest name first. GPT-4o's rule holds for models it does not name.
var imageRules = []struct {
	model string
	rule  imageRule
}{
	{"gpt-4o-mini", imageRule{base: 2833, perTile: 5667}},
	{"gpt-4.1-mini", imageRule{perPatch: 1.62}},
	{"gpt-4.1-nano", imageRule{perPatch: 2.46}},
	{"gpt-5-mini", imageRule{perPatch: 1.62}},
	{"gpt-5-nano", imageRule{perPatch: 2.46}},
	{"gpt-5", imageRule{base: 70, perTile: 140}},
	{"o4-mini", imageRule{perPatch: 1.72}},
	{"o1", imageRule{base: 75, perTile: 150}},
	{"o3", imageRule{base: 75, perTile: 150}},
	{"computer-use-preview", imageRule{base: 65, perTile: 129}},
}

func ruleFor(model string) imageRule {
	for _, r := range imageRules {
		if rest, ok := strings.CutPrefix(model, r.model); ok && (rest == "" || rest[0] == '-') {
			return r.rule
		}
	}
	return imageRule{base: 85, perTile: 170}
}

// tokens of an image of w by h pixels, or of the largest there is when they are not known (zero).
func (r imageRule) tokens(w, h int, low bool) int {
	if r.perPatch > 0 {
		return int(math.Ceil(float64(patches(w, h)) * r.perPatch))
	}
	if low {
		return r.base
	}
	return r.base + r.perTile*tiles(w, h)
}

// tiles covers the image with squares of 512, after bringing it into a square of 2048 and its shorter edge to 768.
func tiles(w, h int) int {
	if w <= 0 || h <= 0 {
		return 8 // 768 by 2048
	}
	scale := min(1, 2048/float64(max(w, h)))
	scale = min(scale, 768/float64(min(w, h)))
	return squares(float64(w)*scale, 512) * squares(float64(h)*scale, 512)
}

// patches covers the image with squares of 32, after scaling it to need no more than patchesMost.
func patches(w, h int) int {
	if w <= 0 || h <= 0 {
		return patchesMost
	}
	fw, fh := float64(w), float64(h)
	if n := math.Ceil(fw/32) * math.Ceil(fh/32); n <= patchesMost {
		return int(n)
	}
	scale := math.Sqrt(32 * 32 * patchesMost / (fw * fh))
	cols, rows := fw*scale/32, fh*scale/32
	scale *= min(max(1, math.Floor(cols))/cols, max(1, math.Floor(rows))/rows)
	return max(1, min(patchesMost, squares(fw*scale, 32)*squares(fh*scale, 32)))
}

// squares of a side cover an edge. Scaling may leave an edge a hair above a whole number of them.
func squares(edge, side float64) int { return max(1, int(math.Ceil(edge/side-1e-9))) }

// image counts an image part of any of the three APIs.
func (c counter) image(part map[string]any) int {
	if source, ok := part["source"].(map[string]any); ok {
		data, _ := source["data"].(string)
		return claudeTokens(imageSize(data))
	}
	url, _ := part["image_url"].(string)
	detail, _ := part["detail"].(string)
	if inner, ok := part["image_url"].(map[string]any); ok {
		url, _ = inner["url"].(string)
		detail, _ = inner["detail"].(string)
	}
	w, h := 0, 0
	if _, data, ok := strings.Cut(url, ";base64,"); ok && strings.HasPrefix(url, "data:") {
		w, h = imageSize(data)
	}
	return ruleFor(c.model).tokens(w, h, detail == "low")
}

func claudeTokens(w, h int) int {
	if w <= 0 || h <= 0 {
		return claudeMost
	}
	scale := min(1, claudeEdge/float64(max(w, h)))
	return min(claudeMost, int(math.Ceil(float64(w)*scale*float64(h)*scale/claudePixels)))
}

// imageSize reads the size from the head of a PNG, JPEG or GIF in base64, or returns zeros.
func imageSize(data string) (w, h int) {
	config, _, err := image.DecodeConfig(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
	if err != nil {
		return 0, 0
	}
	return config.Width, config.Height
}

// audioTokens counts 10 tokens a second, and takes the lowest usual rates for the length: 8 kHz of 16 bits for wav,
// 32 kbit/s for the rest.
func audioTokens(v any) int {
	audio, _ := v.(map[string]any)
	data, _ := audio["data"].(string)
	perToken := 400
	if audio["format"] == "wav" || audio["format"] == "pcm16" {
		perToken = 1600
	}
	return (base64.StdEncoding.DecodedLen(len(data)) + perToken - 1) / perToken
}

// file counts a file part that holds its data: its name, and a token for each 4 bytes.
func (c counter) file(part map[string]any) int {
	if inner, ok := part["file"].(map[string]any); ok {
		part = inner
	}
	data, _ := part["file_data"].(string)
	if _, after, ok := strings.Cut(data, ";base64,"); ok {
		data = after
	}
	return c.strings(part["filename"]) + (base64.StdEncoding.DecodedLen(len(data))+3)/4
}

// document counts one of Anthropic's: its title and context, and its text, or a token for each 4 bytes of its data.
func (c counter) document(part map[string]any) int {
	total := c.strings(part["title"]) + c.strings(part["context"])
	source, _ := part["source"].(map[string]any)
	data, _ := source["data"].(string)
	if source["type"] == "base64" {
		return total + (base64.StdEncoding.DecodedLen(len(data))+3)/4
	}
	return total + c.text(data) + c.content(source["content"])
}
