{{/*
All ports of the server blocks, as JSON: a list of {port, protocol, servicePort, nodePort, hostPort}, a port and protocol once each.
What is spoken decides: dns:// by UDP and TCP (RFC 7766), tls://, https:// and grpc:// by TCP, quic:// and https3:// by UDP.
*/}}
{{- define "isthmus.ports" -}}
{{- $found := dict -}}
{{- range $server := .Values.servers -}}
{{- $port := default 53 $server.port -}}
{{- range $zone := default (list (dict "zone" ".")) $server.zones -}}
{{- $scheme := default "dns://" $zone.scheme -}}
{{- $protocols := list "UDP" "TCP" -}}
{{- if has $scheme (list "tls://" "https://" "grpc://") -}}
{{- $protocols = list "TCP" -}}
{{- else if or (has $scheme (list "quic://" "https3://")) (and (hasKey $zone "use_tcp") (not $zone.use_tcp)) -}}
{{- $protocols = list "UDP" -}}
{{- end -}}
{{- range $protocol := $protocols -}}
{{- $key := printf "%05d-%s" (int $port) $protocol -}}
{{- if not (hasKey $found $key) -}}
{{- $entry := dict "port" (int $port) "protocol" $protocol "servicePort" (int (default $port $server.servicePort)) -}}
{{- with $server.nodePort -}}{{- $_ := set $entry "nodePort" (int .) -}}{{- end -}}
{{- with $server.hostPort -}}{{- $_ := set $entry "hostPort" (int .) -}}{{- end -}}
{{- $_ := set $found $key $entry -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $list := list -}}
{{- range $key := keys $found | sortAlpha -}}
{{- $list = append $list (get $found $key) -}}
{{- end -}}
{{- toJson $list -}}
{{- end -}}
