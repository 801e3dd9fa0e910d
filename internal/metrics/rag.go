package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-dev/weir/rag"
)

// stageSeconds are bucket bounds from 1 ms to 1 min: searching takes milliseconds, and writing an answer seconds.
var stageSeconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// RAG counts what pipelines are asked. Its labels are the configured pipelines and the stages there are. Safe for concurrent use.
type RAG struct {
	questions, cut, citations, left, batches, texts *prometheus.CounterVec
	stages                                          *prometheus.HistogramVec
	recall                                          *prometheus.GaugeVec
	recalls                                         *prometheus.CounterVec
}

// CountRAG exports what is counted by the RAG that it gives, at once from zero for the pipelines named. Call it once.
func (s *Set) CountRAG(pipelines []string) *RAG {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "weir", Subsystem: "rag", Name: name, Help: help}, append([]string{"pipeline"}, labels...))
		s.registry.MustRegister(v)
		return v
	}
	r := &RAG{
		questions: counter("questions_total", "Questions to pipelines by what became of them: answered, found (only the passages were asked for), empty, not_in_sources, failed, abandoned.", "outcome"),
		cut:       counter("chunks_cut_total", "Chunks that a search found and a stage did not let through.", "stage"),
		citations: counter("citations_total", "Citations in answers, by whether their quote is in the cited passage.", "verified"),
		left:      counter("stages_left_total", "Stages that were left out: skipped on purpose, or failed.", "stage", "why"),
		batches:   counter("embedding_batches_total", "Calls to an embedding model, for questions and for documents, by how they ended.", "for", "status"),
		texts:     counter("embedding_texts_total", "Texts that vectors were made of by such calls.", "for"),
		recalls:   counter("approximate_measured_total", "Questions that were searched exactly too, to see what the approximate search misses."),
		recall: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "weir", Subsystem: "rag", Name: "approximate_recall",
			Help: "Share of the passages nearest by meaning that the approximate search finds: the mean over the last questions measured, at most 100, of the collection that answers.",
		}, []string{"pipeline"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "weir", Subsystem: "rag", Name: "stage_duration_seconds", Help: "Time of each stage of a question, of those that ran.", Buckets: stageSeconds,
		}, []string{"pipeline", "stage"}),
	}
	s.registry.MustRegister(r.stages, r.recall)
	for _, p := range pipelines { // a rate needs a first value
		for _, o := range rag.Outcomes() {
			r.questions.WithLabelValues(p, string(o))
		}
		r.citations.WithLabelValues(p, "true")
		r.citations.WithLabelValues(p, "false")
	}
	return r
}

// Ran counts a question.
func (r *RAG) Ran(q rag.Ran) {
	r.questions.WithLabelValues(q.Pipeline, string(q.Outcome)).Inc()
	for _, st := range q.Stages {
		switch {
		case st.Skipped:
			r.left.WithLabelValues(q.Pipeline, string(st.Step), "skipped").Inc()
			continue
		case st.Failed:
			r.left.WithLabelValues(q.Pipeline, string(st.Step), "failed").Inc()
		}
		r.stages.WithLabelValues(q.Pipeline, string(st.Step)).Observe(st.Took.Seconds())
	}
	for step, n := range q.Cut {
		r.cut.WithLabelValues(q.Pipeline, string(step)).Add(float64(n))
	}
	r.citations.WithLabelValues(q.Pipeline, "true").Add(float64(q.Verified))
	r.citations.WithLabelValues(q.Pipeline, "false").Add(float64(q.Citations - q.Verified))
}

// Recalled says how much of what is nearest a pipeline's approximate search found of late. Call it once for each question that is measured.
func (r *RAG) Recalled(pipeline string, mean float64) {
	r.recall.WithLabelValues(pipeline).Set(mean)
	r.recalls.WithLabelValues(pipeline).Inc()
}

// Embedded counts a call to an embedding model, which was made for documents or for a question.
func (r *RAG) Embedded(pipeline string, documents bool, texts int, err error) {
	what, status := "questions", "ok"
	if documents {
		what = "documents"
	}
	if err != nil {
		status = "error"
	} else {
		r.texts.WithLabelValues(pipeline, what).Add(float64(texts))
	}
	r.batches.WithLabelValues(pipeline, what, status).Inc()
}
