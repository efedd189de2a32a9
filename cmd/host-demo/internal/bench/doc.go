// Package bench is the project's load harness. It runs the system as a user does:
// the scripted cloud, a broker (Mosquitto if it is installed, else the embedded
// one), and the service with its plugin as processes of their own, which it loads
// over MQTT. Beside that it measures two yardsticks: the same message through
// go-plugin as it is shipped, and the same blocking calls made one at a time on the
// MQTT client's own goroutine.
package bench
