package judge

import (
	"context"
	"errors"
)

// Embed has a model make a vector of each text, all in one request; none may be empty. The request is the same whenever the texts are, so that
// the gateway's cache knows it again. An error is as Judge gives one: a *StopError when no other request would fare better.
func (a *Asker) Embed(ctx context.Context, model string, texts []string) ([][]float64, Tally, error) {
	reply, tally, err := a.ask(ctx, Question{Step: "embed", Model: model, Embed: texts}, func(r *Reply) error {
		if len(r.Vectors) != len(texts) {
			return errors.New("it has not one vector for each text")
		}
		return nil
	})
	return reply.Vectors, tally, err
}

// EmbedEstimate adds the requests that make vectors of these texts to an estimate, and makes none.
func (a *Asker) EmbedEstimate(ctx context.Context, e *Estimate, model string, texts []string) {
	a.add(ctx, e, []Question{{Step: "embed", Model: model, Embed: texts}})
}

// Cosine is the similarity of two vectors of one length; false when one of them points nowhere, or they are of different lengths.
func Cosine(a, b []float64) (float64, bool) {
	if len(a) != len(b) {
		return 0, false
	}
	cos, ok := cosine(a, b)
	return min(1, max(-1, cos)), ok
}
