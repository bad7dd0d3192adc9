import CaffeErrors
import CaffeNet
import Glibc

/// Durations in milliseconds, and what a benchmark reports of them.
public struct Durations {
  public private(set) var milliseconds: [Double] = []

  /// - Parameter count: how many there will be, so that noting one costs nothing.
  public init(expecting count: Int = 0) { milliseconds.reserveCapacity(count) }

  /// Runs `body` and notes how long it took.
  public mutating func measure(_ body: () throws -> Void) rethrows {
    let began = ContinuousClock.now
    try body()
    milliseconds.append((ContinuousClock.now - began) / .milliseconds(1))
  }

  public var total: Double { milliseconds.reduce(0, +) }
  public var mean: Double { total / Double(max(milliseconds.count, 1)) }

  public var median: Double {
    let sorted = milliseconds.sorted()
    guard let last = sorted.last else { return 0 }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1
      ? sorted[middle] : (sorted[middle - 1] + min(sorted[middle], last)) / 2
  }
}

/// How long each layer's passes take.
public struct LayerTiming {
  /// For each layer of the net.
  public private(set) var forward: [Durations]
  public private(set) var backward: [Durations]
  /// Forward and backward of the whole net.
  public private(set) var passes = Durations()

  /// Runs both passes of `net`, layer by layer, `iterations` times, each time with gradients of zero as an
  /// update leaves them: adding to others takes longer.
  ///
  /// - Parameter observe: told the number of each iteration, from 1, and its milliseconds.
  public init(_ net: Net, iterations: Int, observe: (Int, Double) -> Void) throws {
    forward = net.layers.map { _ in Durations() }
    backward = forward
    for index in 1...iterations {
      net.clearGradients()
      try passes.measure {
        for layer in net.layers.indices {
          try forward[layer].measure { try net.forward(layer: layer) }
        }
        for layer in net.layers.indices.reversed() {
          try backward[layer].measure { try net.backward(layer: layer) }
        }
      }
      net.clock.advance()
      observe(index, passes.milliseconds[index - 1])
    }
  }
}

/// How long whole training iterations take: medians over those after the warm-up.
public struct IterationTiming {
  public private(set) var iteration = Durations()
  public private(set) var forward = Durations()
  public private(set) var backward = Durations()
  public private(set) var update = Durations()

  /// Trains for `warmUp + iterations` iterations and measures the last ones. With `iter_size`, a
  /// forward or backward time is that of one pass.
  public init(_ solver: Solver, iterations: Int, warmUp: Int = 3) throws {
    iteration = Durations(expecting: iterations)
    forward = Durations(expecting: iterations * solver.parameter.iterSize)
    backward = Durations(expecting: iterations * solver.parameter.iterSize)
    update = Durations(expecting: iterations)
    solver.net.clearGradients()
    for index in 0..<(warmUp + iterations) {
      var (whole, ahead, back, step) = (Durations(), Durations(), Durations(), Durations())
      try whole.measure {
        for _ in 0..<solver.parameter.iterSize {
          try ahead.measure { try solver.net.forward() }
          try back.measure { try solver.net.backward() }
        }
        step.measure { solver.applyUpdate() }
      }
      guard index >= warmUp else { continue }
      iteration.append(whole)
      forward.append(ahead)
      backward.append(back)
      update.append(step)
    }
  }

  /// The most memory the process has had, in MiB.
  public static var peakMegabytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Int(usage.ru_maxrss) / 1024
  }
}

extension Durations {
  /// How long forward passes of a net take, after a warm-up.
  public init(forward net: Net, iterations: Int, warmUp: Int = 3) throws {
    for _ in 0..<warmUp { try net.forward() }
    for _ in 0..<iterations { try measure { try net.forward() } }
  }
}

extension Durations {
  fileprivate mutating func append(_ other: Durations) { milliseconds += other.milliseconds }
}
