import CaffeKernels
import Foundation
import Testing

/// Each rule against the formulas of Caffe's solvers, worked in Double.
struct UpdateKernelTests {
  typealias Segment = UpdateKernel.Segment

  /// w, g, h, h₂ → step, h, h₂; the rate is the segment's.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let rule: UpdateKernel.Rule
    /// The rule leaves decay out of g and takes `rate` times it as a step of its own.
    var decouplesDecay = false
    let step:
      @Sendable (_ rate: Double, _ g: Double, _ h: Double, _ h2: Double) -> (
        step: Double, h: Double, h2: Double
      )
  }

  static let cases = [
    Case(testDescription: "SGD", rule: .sgd(momentum: 0.9)) { rate, g, h, _ in
      let next = 0.9 * h + rate * g
      return (next, next, 0)
    },
    Case(testDescription: "Nesterov", rule: .nesterov(momentum: 0.9)) { rate, g, h, _ in
      let next = 0.9 * h + rate * g
      return (1.9 * next - 0.9 * h, next, 0)
    },
    Case(testDescription: "AdaGrad", rule: .adaGrad(delta: 0.01)) { rate, g, h, _ in
      let next = h + g * g
      return (rate * g / (next.squareRoot() + 0.01), next, 0)
    },
    Case(testDescription: "RMSProp", rule: .rmsProp(decay: 0.98, delta: 0.01)) { rate, g, h, _ in
      let next = 0.98 * h + 0.02 * g * g
      return (rate * g / (next.squareRoot() + 0.01), next, 0)
    },
    Case(testDescription: "AdaDelta", rule: .adaDelta(momentum: 0.95, delta: 0.01)) {
      rate, g, h, h2 in
      let next = 0.95 * h + 0.05 * g * g
      let move = g * ((h2 + 0.01) / (next + 0.01)).squareRoot()
      return (rate * move, next, 0.95 * h2 + 0.05 * move * move)
    },
    Case(
      testDescription: "Adam",
      rule: .adam(momentum: 0.9, momentum2: 0.999, delta: 0.01, step: 3)
    ) { rate, g, h, h2 in
      // 1 − 0.999 has four digits fewer than 0.999: start from the same float.
      let (m, m2) = (Double(0.9 as Float), Double(0.999 as Float))
      let (first, second) = (m * h + (1 - m) * g, m2 * h2 + (1 - m2) * g * g)
      let correction = (1 - pow(m2, 3)).squareRoot() / (1 - pow(m, 3))
      return (rate * correction * first / (second.squareRoot() + 0.01), first, second)
    },
    Case(
      testDescription: "AdamW",
      rule: .adamW(momentum: 0.9, momentum2: 0.999, delta: 0.01, step: 3), decouplesDecay: true
    ) { rate, g, h, h2 in
      let (m, m2) = (Double(0.9 as Float), Double(0.999 as Float))
      let (first, second) = (m * h + (1 - m) * g, m2 * h2 + (1 - m2) * g * g)
      let mean = first / (1 - pow(m, 3))
      let root = (second / (1 - pow(m2, 3))).squareRoot()
      return (rate * mean / (root + 0.01), first, second)
    },
  ]

  /// A store with gaps, a frozen segment, and one without decay.
  static let segments = [
    Segment(offset: 0, count: 5, rate: 1, decay: 1),
    Segment(offset: 5, count: 20_000, rate: 2, decay: 0),
    Segment(offset: 20_010, count: 31, rate: 0, decay: 1),
    Segment(offset: 20_041, count: 19_962, rate: 1, decay: 0.5),
  ]

  @Test(arguments: cases, [UpdateKernel.Regularization.l1, .l2])
  func matchesItsFormula(_ c: Case, regularization: UpdateKernel.Regularization) {
    let count = 40_010
    let (w, g) = (numbers(count), numbers(count, seed: 2))
    let (h, h2) = (numbers(count, in: 0...2, seed: 3), numbers(count, in: 0...2, seed: 4))
    let kernel = UpdateKernel(
      rule: c.rule, rate: 0.1, weightDecay: 0.3, regularization: regularization, gradientScale: 0.5)
    var expected = (
      w: w.map(Double.init), g: g.map(Double.init), h: h.map(Double.init), h2: h2.map(Double.init)
    )
    for segment in Self.segments {
      for i in segment.offset..<segment.offset + segment.count {
        let sign = Double(w[i] > 0 ? 1 : -1)
        let penalty = 0.3 * Double(segment.decay) * (regularization == .l2 ? Double(w[i]) : sign)
        let gradient = 0.5 * Double(g[i]) + (c.decouplesDecay ? 0 : penalty)
        let rate = 0.1 * Double(segment.rate)
        let result = c.step(rate, gradient, Double(h[i]), Double(h2[i]))
        let step = result.step + (c.decouplesDecay ? rate * penalty : 0)
        expected.w[i] -= step
        expected.g[i] = step
        expected.h[i] = result.h
        if c.rule.historyCount == 2 { expected.h2[i] = result.h2 }
      }
    }
    Machine.each { machine in
      var (weights, gradient, history, history2) = (w, g, h, h2)
      weights.withUnsafeMutableBufferPointer { weights in
        gradient.withUnsafeMutableBufferPointer { gradient in
          history.withUnsafeMutableBufferPointer { history in
            history2.withUnsafeMutableBufferPointer { history2 in
              guard let weights = weights.baseAddress, let gradient = gradient.baseAddress else {
                return
              }
              let histories = [history, history2].compactMap(\.baseAddress)
              kernel.apply(
                to: weights, gradient: gradient,
                history: Array(histories.prefix(c.rule.historyCount)), segments: Self.segments,
                keepsStep: true)
            }
          }
        }
      }
      expectClose(weights, expected.w, within: 2e-6, machine)
      expectClose(gradient, expected.g, within: 2e-6, machine)
      expectClose(history, expected.h, within: 1e-6, machine)
      expectClose(history2, expected.h2, within: 1e-6, machine)
    }
  }

  @Test(arguments: cases) func theGradientIsCleared(_ c: Case) {
    var weights: [Float] = [1, 2]
    var history: [Float] = [0, 0]
    var history2: [Float] = [0, 0]
    let gradient = output(2, initial: [3, .infinity]) { gradient in
      history.withUnsafeMutableBufferPointer { history in
        history2.withUnsafeMutableBufferPointer { history2 in
          UpdateKernel(rule: c.rule, rate: 0.1).apply(
            to: &weights, gradient: gradient,
            history: Array(
              [history, history2].compactMap(\.baseAddress).prefix(c.rule.historyCount)),
            segments: [Segment(offset: 0, count: 2, rate: 1, decay: 1)])
        }
      }
    }
    #expect(gradient == [0, 0])
  }

  @Test func nothingToUpdate() {
    var (weights, history): ([Float], [Float]) = ([1], [2])
    let gradient = output(1, initial: [3]) { gradient in
      history.withUnsafeMutableBufferPointer { history in
        UpdateKernel(rule: .sgd(momentum: 0), rate: 1).apply(
          to: &weights, gradient: gradient, history: [history].compactMap(\.baseAddress),
          segments: [])
      }
    }
    #expect(weights == [1] && gradient == [3])
  }
}
