{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 characters: a StatefulSet's pods and the chart's other objects add to it, and 63 is the end. */}}
{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "weir.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "weir.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "weir.selector" -}}
app.kubernetes.io/name: {{ include "weir.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "weir.labels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "weir.image" -}}
{{- $repository := required "image.repository is not set: build deploy/Dockerfile, push the image, and name it here" .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- define "weir.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "weir.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* "true" when the server is given, by URL or by Secret: include "weir.has" .Values.redis */}}
{{- define "weir.has" -}}
{{- if or .url .existingSecret }}true{{ end }}
{{- end }}

{{- define "weir.adminSecret" -}}
{{- .Values.adminToken.existingSecret | default (printf "%s-admin" (include "weir.fullname" .)) }}
{{- end }}

{{/* What the chart keeps in its own Secret, as JSON: name of the variable → value. */}}
{{- define "weir.secretEnv" -}}
{{- $env := dict }}
{{- range $name, $value := .Values.secretEnv }}
{{- $_ := set $env $name (toString $value) }}
{{- end }}
{{- range $what, $variable := dict "clickhouse" "WEIR_CLICKHOUSE_URL" "control" "WEIR_CONTROL_URL" "redis" "WEIR_REDIS_URL" "qdrant" "WEIR_QDRANT_URL" }}
{{- with index $.Values $what "url" }}
{{- $_ := set $env $variable . }}
{{- end }}
{{- end }}
{{- toJson $env }}
{{- end }}

{{/* weir.yaml. */}}
{{- define "weir.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $timeouts := merge (dict "shutdown" (printf "%ds" (int .Values.drainSeconds))) (default dict $config.timeouts) }}
{{- toYaml (set $config "timeouts" $timeouts) }}
{{- end }}

{{/* Refuses a secret that is written out in the configuration, which would be in a ConfigMap. */}}
{{- define "weir.noSecrets" -}}
{{- $at := .at }}
{{- if kindIs "map" .in }}
{{- range $key, $value := .in }}
{{- if and (kindIs "string" $value) $value (has $key (list "api_key" "secret" "password")) (not (or (hasPrefix "env:" $value) (hasPrefix "file:" $value))) }}
{{- fail (printf "config%s.%s is a secret and would be in a ConfigMap: write env:NAME, and give NAME by secretEnv or secretEnvFrom" $at $key) }}
{{- end }}
{{- if and (kindIs "string" $value) (eq $key "url") (regexMatch "://[^/]*@|hooks\\.slack\\.com" $value) }}
{{- fail (printf "config%s.url has a secret in it and would be in a ConfigMap: write env:NAME, and give NAME by secretEnv or secretEnvFrom" $at) }}
{{- end }}
{{- include "weir.noSecrets" (dict "at" (printf "%s.%s" $at $key) "in" $value) }}
{{- end }}
{{- else if kindIs "slice" .in }}
{{- range $i, $value := .in }}
{{- include "weir.noSecrets" (dict "at" (printf "%s[%d]" $at $i) "in" $value) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Refuses what cannot work. */}}
{{- define "weir.check" -}}
{{- if gt (int .Values.replicaCount) 1 }}
{{- range $what := list "clickhouse" "control" "redis" }}
{{- if not (include "weir.has" (index $.Values $what)) }}
{{- fail (printf "replicaCount is %d, and several weirs share a ClickHouse server, PostgreSQL and Redis: set %s.url or %s.existingSecret (docs/scale.md)" (int $.Values.replicaCount) $what $what) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $key, $instead := dict "listen" "service.port" "listen_admin" "adminPort" "data" "persistence" "clickhouse" "clickhouse.url or clickhouse.existingSecret" "control" "control.url or control.existingSecret" }}
{{- if hasKey $.Values.config $key }}
{{- fail (printf "config.%s is set by the chart: use %s" $key $instead) }}
{{- end }}
{{- end }}
{{- range $key := list "redis" "qdrant" }}
{{- if hasKey (default dict (index $.Values.config $key)) "url" }}
{{- fail (printf "config.%s.url is set by the chart: use %s.url or %s.existingSecret" $key $key $key) }}
{{- end }}
{{- end }}
{{- if hasKey (default dict .Values.config.timeouts) "shutdown" }}
{{- fail "config.timeouts.shutdown is set by the chart, with the pod's grace period: use drainSeconds" }}
{{- end }}
{{- include "weir.noSecrets" (dict "at" "" "in" .Values.config) }}
{{- end }}

{{/* A weir with the engine in it needs more than one beside a server. No limit of processor time: it shows as latency. */}}
{{- define "weir.resources" -}}
{{- if .Values.resources }}
{{- toYaml .Values.resources }}
{{- else if include "weir.has" .Values.clickhouse -}}
requests: {cpu: 250m, memory: 256Mi}
limits: {memory: 512Mi}
{{- else -}}
requests: {cpu: 500m, memory: 1Gi}
limits: {memory: 2Gi}
{{- end }}
{{- end }}
