package telemetry

// OpenWith is Open with another exporter.
var OpenWith = open
