package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/confuse/data-connector/adapters/kafka"
)

// kafkaOptions say where the log is and how its brokers are spoken to.
func (c config) kafkaOptions(log *slog.Logger) (kafka.Options, error) {
	o := kafka.Options{Brokers: c.KafkaServers, Layout: c.layout(), ClientID: c.KafkaClientID, Log: log}
	if strings.HasSuffix(c.KafkaSecurity, "SSL") {
		authorities, err := c.authorities()
		if err != nil {
			return o, err
		}
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}
	}
	if strings.HasPrefix(c.KafkaSecurity, "SASL_") {
		o.SASL = c.mechanism()
	}
	return o, nil
}

func (c config) layout() kafka.Layout {
	return kafka.Layout{Prefix: c.KafkaPrefix, Partitions: c.KafkaPartitions, Replicas: c.KafkaReplication}
}

// authorities are those that may sign the brokers' certificates; nil: the
// system's.
func (c config) authorities() (*x509.CertPool, error) {
	if c.KafkaCAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.KafkaCAFile)
	if err != nil {
		return nil, fmt.Errorf("KAFKA_SSL_CA_FILE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("KAFKA_SSL_CA_FILE holds no certificate in PEM form")
	}
	return pool, nil
}

func (c config) mechanism() sasl.Mechanism {
	switch c.KafkaMechanism {
	case "SCRAM-SHA-256":
		return scram.Auth{User: c.KafkaUser, Pass: string(c.KafkaPassword)}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: c.KafkaUser, Pass: string(c.KafkaPassword)}.AsSha512Mechanism()
	default:
		return plain.Auth{User: c.KafkaUser, Pass: string(c.KafkaPassword)}.AsMechanism()
	}
}
