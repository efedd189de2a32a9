// Package bench is the project's load harness. It runs the system as a user does:
// the scripted cloud, a broker (Mosquitto if it is installed, else the embedded
// one), the service and its plugin are processes of their own, which it loads
// over MQTT. Beside that it measures three yardsticks: the same message through
// go-plugin as it is shipped, a service that does nothing but publish the same topics,
// and the same blocking calls made one at a time on the MQTT client's own goroutine.
package bench
