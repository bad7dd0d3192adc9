import CaffeCore
import CaffeErrors
import CaffeSchema

/// What the prototxt of a recurrent layer says (`recurrent_param`), checked.
struct RecurrentSettings {
  /// How many units (`num_output`).
  let units: Int
  /// A bottom gives each stream an input that stays the same at all steps.
  let hasStatic: Bool
  /// The states before the first and after the last step are bottoms and tops.
  let exposesHidden: Bool

  /// - Parameter states: how many blobs a state is: h, or h and c.
  init(_ parameter: LayerParameter, states: Int) throws {
    let recurrent = parameter.recurrentParam
    guard recurrent.numOutput > 0 else {
      throw CaffeError("num_output must be positive, got \(recurrent.numOutput)")
    }
    units = recurrent.numOutput
    exposesHidden = recurrent.exposeHidden
    let exposed = exposesHidden ? states : 0
    let (bottoms, tops) = (parameter.bottom.count, parameter.top.count)
    let condition = exposesHidden ? "with expose_hidden" : "without expose_hidden"
    guard (2 + exposed...3 + exposed).contains(bottoms) else {
      throw CaffeError(
        "\(parameter.type) Layer takes \(2 + exposed) to \(3 + exposed) bottom blob(s) \(condition), got \(bottoms)"
      )
    }
    guard tops == 1 + exposed else {
      throw CaffeError(
        "\(parameter.type) Layer produces \(1 + exposed) top blob(s) \(condition), got \(tops)")
    }
    hasStatic = bottoms > 2 + exposed
  }

  /// The place among the bottoms of the first state.
  var firstState: Int { hasStatic ? 3 : 2 }

  /// - Throws: when the bottoms are not x `[steps, streams, …]`, cont `[steps, streams]`, optionally a
  ///   static input `[streams, …]`, and the exposed states `[1, streams, units]`.
  func extents(_ bottoms: [Shape]) throws -> RecurrentExtents {
    let (x, cont) = (bottoms[0], bottoms[1])
    guard x.axes >= 2 else {
      throw CaffeError(
        "the first bottom must have at least 2 axes -- (#timesteps, #streams, ...), got \(x)")
    }
    guard cont.dimensions == [x[0], x[1]] else {
      throw CaffeError(
        "the second bottom (cont) must have exactly 2 axes -- (#timesteps, #streams) = \(x[0]) \(x[1]), got \(cont)"
      )
    }
    if hasStatic {
      guard bottoms[2].axes >= 1, bottoms[2][0] == x[1] else {
        throw CaffeError(
          "the static input must have the \(x[1]) streams on its first axis, got \(bottoms[2])")
      }
    }
    for (index, state) in bottoms.enumerated().dropFirst(firstState)
    where state.dimensions != [1, x[1], units] {
      throw CaffeError(
        "bottom[\(index)] shape must match hidden state input shape 1 \(x[1]) \(units), got \(state)"
      )
    }
    return RecurrentExtents(
      steps: x[0], streams: x[1], inputs: x.count(from: 2),
      statics: hasStatic ? bottoms[2].count(from: 1) : 0)
  }
}

/// How many of everything a recurrent layer meets.
struct RecurrentExtents: Equatable {
  let steps: Int
  let streams: Int
  /// Values of an input at one step of one stream.
  let inputs: Int
  /// Values of a stream's static input; 0 if there is none.
  let statics: Int

  /// Positions in time and streams.
  var positions: Int { steps * streams }
}
