import CaffeNet
import CaffeSolver

/// One iteration of a net as a trace that `chrome://tracing` and Perfetto show: a bar for each pass of
/// each layer, one behind the other as they ran, in microseconds.
package struct ChromeTrace: Encodable {
  package struct Event: Encodable {
    package let name: String
    package let cat: String
    /// `X`: an event with a duration.
    package let ph: String
    package let ts: Double
    package let dur: Double
    package let pid: Int
    package let tid: Int
    package let args: [String: String]
  }

  package let traceEvents: [Event]
  package let displayTimeUnit = "ms"

  /// - Parameter timing: of this net; its last iteration is shown.
  package init(_ net: Net, _ timing: LayerTiming) {
    var (events, time): ([Event], Double) = ([], 0)
    func add(_ index: Int, _ durations: Durations, pass: String) {
      let layer = net.layers[index]
      let duration = 1000 * (durations.milliseconds.last ?? 0)
      var args = ["type": layer.type, "engine": layer.engine.engine.rawValue]
      args["implementation"] = layer.engine.implementation
      args["fused into"] = layer.fusedInto
      events.append(
        Event(
          name: layer.name, cat: pass, ph: "X", ts: time, dur: duration, pid: 1, tid: 1,
          args: args))
      time += duration
    }
    for index in net.layers.indices { add(index, timing.forward[index], pass: "forward") }
    for index in net.layers.indices.reversed() {
      add(index, timing.backward[index], pass: "backward")
    }
    traceEvents = events
  }

  private enum CodingKeys: CodingKey { case traceEvents, displayTimeUnit }
}
