package rag

// Place is where a chunk stands in a list.
type Place struct {
	Rank  int     `json:"rank"` // from 1
	Score float64 `json:"score"`
}

// Step names a stage of a pipeline.
type Step string

// The stages, in their order. What a list finds is one step, though one request finds both.
const (
	StepRewrite  Step = "rewrite"
	StepEmbed    Step = "embed"
	StepDense    Step = "dense"
	StepSparse   Step = "sparse"
	StepSearch   Step = "search"
	StepFuse     Step = "fuse"
	StepMMR      Step = "mmr"
	StepRerank   Step = "rerank"
	StepParents  Step = "parents"
	StepPack     Step = "pack"
	StepGenerate Step = "generate"
	StepCite     Step = "cite"
)

// Candidate is a chunk on its way from the index to the answer, with its place after each stage that it came through.
type Candidate struct {
	Chunk
	Vector []float32 // when the index was asked for it
	// Similarity is the cosine to the question, when Similar says that it is known.
	Similarity float64
	Similar    bool
	Places     map[Step]Place
	Dropped    Step   // the stage that it did not come through, or ""
	Why        string // it did not
}

// place notes where the candidate stands after a stage.
func (c *Candidate) place(s Step, rank int, score float64) {
	if c.Places == nil {
		c.Places = map[Step]Place{}
	}
	c.Places[s] = Place{rank, score}
}

// drop notes where the candidate's way ends.
func (c *Candidate) drop(s Step, why string) { c.Dropped, c.Why = s, why }
