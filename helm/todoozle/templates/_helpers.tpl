{{/* Whose object it is. Not for selectors: a version changes. */}}
{{- define "todoozle.labels" -}}
{{ include "todoozle.app" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: todoozle
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "todoozle.app" -}}
app.kubernetes.io/name: {{ .Release.Name }}
{{- end }}

{{/* The pods that serve. */}}
{{- define "todoozle.edge" -}}
{{ include "todoozle.app" . }}
app.kubernetes.io/component: edge
{{- end }}

{{/* Named by what is in it, so that a pod finds the manifest that it was made with, whatever came later. */}}
{{- define "todoozle.manifest" -}}
{{ .Release.Name }}-manifest-{{ .Values.manifest | sha256sum | trunc 12 }}
{{- end }}

{{- define "todoozle.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* What the pods and the Job of migrations share, down to the container. */}}
{{- define "todoozle.pod" -}}
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "todoozle.container" -}}
name: runtime-host
image: {{ include "todoozle.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources: {{- toYaml .Values.resources | nindent 2 }}
{{- end }}

{{- define "todoozle.environment" -}}
- name: TODOOZLE_LOG_FORMAT
  value: {{ .Values.log.format }}
- name: SPIN_VARIABLE_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.secret }}
      key: uri
- name: SPIN_VARIABLE_DATABASE_CA
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.secret }}
      key: ca.crt
- name: SPIN_VARIABLE_DATABASE_REPLICA_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.secret }}
      key: replica-uri
      optional: true
{{- range $name, $value := .Values.variables }}
- name: SPIN_VARIABLE_{{ $name | upper }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $from := .Values.secretVariables }}
- name: SPIN_VARIABLE_{{ $name | upper }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
{{- end }}
{{- end }}

{{/* What the schema can't say. */}}
{{- define "todoozle.check" -}}
{{- $app := .Values.target.app | default "todoozle-edge" -}}
{{- if ne .Release.Name $app -}}
{{- fail (printf "the release is called %s, but target.app is %s, and runtime-host looks for that: use one name" .Release.Name $app) -}}
{{- end -}}
{{- if not (contains "spin_manifest_version" .Values.manifest) -}}
{{- fail "manifest is not the text of a spin.toml: give it by --set-file manifest=spin.toml" -}}
{{- end -}}
{{- range $name, $_ := .Values.variables -}}
{{- if hasPrefix "database_" $name -}}
{{- fail (printf "variables.%s would stand in the Deployment for all to read: the database's come from database.secret" $name) -}}
{{- end -}}
{{- if regexMatch (printf `(?m)^\s*%s\s*=\s*\{[^}]*\bsecret\s*=\s*true` $name) $.Values.manifest -}}
{{- fail (printf "variables.%s would stand in the Deployment for all to read, and the manifest calls it secret: name its Secret and key in secretVariables" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.secretVariables -}}
{{- if or (hasPrefix "database_" $name) (hasKey $.Values.variables $name) -}}
{{- fail (printf "secretVariables.%s is given elsewhere as well: the database's variables come from database.secret, and each other one from one place" $name) -}}
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas is %d, more than maxReplicas, which is %d: swap them" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- $pods := add (ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled | int) (int .Values.maxSurge) -}}
{{- $wanted := mul $pods (int .Values.database.connections) -}}
{{- if gt $wanted (int64 .Values.database.maxConnections) -}}
{{- fail (printf "%d pods with %d connections each are %d, more than database.maxConnections, which is %d: lower database.connections or the number of pods, or raise connection_limit and max_connections in postgres.toml" $pods (int .Values.database.connections) $wanted (int .Values.database.maxConnections)) -}}
{{- end -}}
{{- end }}
