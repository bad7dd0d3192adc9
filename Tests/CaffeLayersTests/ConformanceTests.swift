import CaffeCore
import CaffeErrors
import CaffeLayers
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Foundation
import Testing

/// What every layer promises (`Layer`), checked for every type of the catalogue on both engines.
@Suite struct ConformanceTests {
  static let types = LayerCatalog.standard.kinds.map(\.type)

  @Test func everyTypeOfCaffeIsThereAndTried() throws {
    let table = try String(contentsOfFile: Goldens.own("layers/types.tsv"), encoding: .utf8)
    let wanted = table.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    #expect(wanted.count == 60)
    #expect(Set(wanted).subtracting(Self.types).isEmpty)
    #expect(Set(ConformanceSubject.all.keys) == Set(Self.types))
  }

  @Test(arguments: types, [Engine.caffe, Engine.oneDNN])
  func forward(_ type: String, on engine: Engine) throws {
    try Trial.run(type, engine) { trial in
      let run = try trial.build()
      let bottoms = run.layer.bottom.map(\.data.bits)
      let first = try run.forward()
      #expect(run.layer.bottom.map(\.data.bits) == bottoms, "the bottoms changed")
      let declared = try run.layer.outputShapes(for: run.layer.bottom.map(\.shape))
      if type == "Filter" {
        // How many items are marked shows only in the pass.
        #expect(declared.map(\.axes) == run.layer.top.map(\.shape.axes))
      } else {
        #expect(declared == run.layer.top.map(\.shape))
      }
      #expect(try run.forward() == first, "the same pass gave other values")
      guard type != "Input" else { return }  // The caller fills those.
      for top in run.layer.top { #expect(!top.data.values.contains { $0.isNaN }) }
    }
  }

  @Test(arguments: types, [Engine.caffe, Engine.oneDNN])
  func backward(_ type: String, on engine: Engine) throws {
    try Trial.run(type, engine) { trial in
      let run = try trial.build()
      let wanted = run.layer.propagateDown
      guard wanted.contains(true) || run.layer.learns.contains(true) else {
        let kind = try LayerCatalog.standard.kind(type)
        #expect(kind.isForwardOnly || wanted.isEmpty, "a layer without a gradient must say so")
        return
      }
      try run.forward()
      let all = try run.backward(wanted)
      let once = run.parameterGradients
      #expect(try run.backward(wanted) == all, "the gradients of bottoms were not overwritten")
      for (once, twice) in zip(once, run.parameterGradients) {
        #expect(Closeness.worst(twice, once.map { 2 * $0 }) < 1e-5, "gradients must be added")
      }
      for index in wanted.indices where wanted[index] {
        let mask = wanted.indices.map { $0 == index }
        let alone = try run.backward(mask)
        #expect(alone[index] == all[index])
      }
      _ = try run.backward(wanted.map { _ in false })
    }
  }

  @Test(arguments: types, [Engine.caffe, Engine.oneDNN])
  func inPlace(_ type: String, on engine: Engine) throws {
    try Trial.run(type, engine) { trial in
      guard !trial.subject.bottoms.isEmpty, !trial.subject.tops.isEmpty else { return }
      guard try LayerCatalog.standard.kind(type).runsInPlace else {
        expectError("\(type) Layer does not allow in-place computation") {
          _ = try trial.build(inPlace: true)
        }
        return
      }
      let (apart, inPlace) = (try trial.build(), try trial.build(inPlace: true))
      #expect(inPlace.layer.top[0] === inPlace.layer.bottom[0])
      #expect(try inPlace.forward() == apart.forward())
      guard apart.layer.propagateDown.contains(true) else { return }
      let wanted = apart.layer.propagateDown
      #expect(try inPlace.backward(wanted) == apart.backward(wanted))
      #expect(
        inPlace.parameterGradients.map { $0.map(\.bitPattern) }
          == apart.parameterGradients.map { $0.map(\.bitPattern) })
    }
  }

  @Test(arguments: types, [Engine.caffe, Engine.oneDNN])
  func anotherBatch(_ type: String, on engine: Engine) throws {
    try Trial.run(type, engine) { trial in
      guard !trial.subject.bottoms.isEmpty, !trial.subject.tops.isEmpty else { return }
      let (small, large) = (try trial.build(), try trial.build(more: 3))
      let (little, much) = (try small.forward(), try large.forward())
      let wanted = small.layer.propagateDown
      let reaches = wanted.contains(true)
      try trial.fill(small.net, more: 3)
      #expect(try small.forward() == much)
      if reaches { #expect(try small.backward(wanted) == large.backward(wanted)) }
      try trial.fill(small.net)
      #expect(try small.forward() == little)
    }
  }

  /// A layer that says so makes each item of the tops from the same item of the bottoms alone, so that
  /// batches may go through it in parts.
  @Test(arguments: types, [Phase.train, .test])
  func itemsAlone(_ type: String, in phase: Phase) throws {
    for engine in [Engine.caffe, .oneDNN] {
      try Trial.run(type, engine) { trial in
        let run = try trial.build(more: 1, phase: phase)
        let shapes = run.layer.bottom.map(\.shape)
        guard run.layer.treatsItemsAlone(for: shapes) else { return }
        try run.forward()
        let bottoms = run.layer.bottom.map(\.data.values)
        let tops = run.layer.top.map(\.data.values)
        let items = shapes[0][0]
        #expect((shapes + run.layer.top.map(\.shape)).allSatisfy { $0[0] == items })
        for item in 0..<items {
          for (blob, values) in zip(run.layer.bottom, bottoms) {
            blob.reshape(try Shape([1] + blob.shape.dimensions.dropFirst()))
            blob.data.values = Self.item(item, of: items, values)
          }
          try run.forward()
          for (blob, values) in zip(run.layer.top, tops) {
            #expect(
              Closeness.worst(blob.data.values, Self.item(item, of: items, values)) < 1e-6,
              "item \(item)")
          }
        }
      }
    }
  }

  /// The layers that nets for pictures begin with.
  @Test(arguments: [
    "BatchNorm", "Bias", "Concat", "Convolution", "Deconvolution", "Dropout", "Eltwise", "ELU",
    "LRN", "Pooling", "PReLU", "ReLU", "Scale", "Slice", "Split",
  ])
  func treatsItemsAloneInTesting(_ type: String) throws {
    try Trial.run(type, .oneDNN) { trial in
      let layer = try trial.build(phase: .test).layer
      #expect(layer.treatsItemsAlone(for: layer.bottom.map(\.shape)))
    }
  }

  private static func item(_ item: Int, of items: Int, _ values: [Float]) -> [Float] {
    let extent = values.count / items
    return Array(values[item * extent..<(item + 1) * extent])
  }

  /// What has no items is refused in a sentence, or gives values that are numbers; one item is enough
  /// for any layer.
  @Test(arguments: types, [0, 1])
  func smallestBatches(_ type: String, items: Int) throws {
    for engine in [Engine.caffe, .oneDNN] {
      try Trial.run(type, engine) { trial in
        guard let bottom = trial.subject.bottoms.first else { return }
        let run: Run
        do {
          run = try trial.build(more: items - bottom.shape[trial.subject.batchAxis])
          try run.forward()
        } catch is CaffeError where items == 0 || trial.hasBatchesOfTwoKinds {
          return
        }
        for top in run.layer.top { #expect(!top.data.values.contains { $0.isNaN }) }
        let wanted = run.layer.propagateDown
        guard wanted.contains(true) || run.layer.learns.contains(true) else { return }
        run.net.clearGradients()
        _ = try run.backward(wanted)
        for gradient in run.parameterGradients { #expect(!gradient.contains { $0.isNaN }) }
      }
    }
  }

  /// Layers above may change in place what the kind says is not read again.
  @Test(arguments: types, [Engine.caffe, Engine.oneDNN])
  func gradientsReadOfTheTopsWhatTheKindSays(_ type: String, on engine: Engine) throws {
    try Trial.run(type, engine) { trial in
      let (run, kind) = (try trial.build(), try LayerCatalog.standard.kind(type))
      let wanted = run.layer.propagateDown
      guard wanted.contains(true) || run.layer.learns.contains(true) else { return }
      let use = kind.outputUse(run.layer.parameter)
      guard use != .values, kind.topMemory != .view else { return }
      try run.forward()
      let gradients = (try run.backward(wanted), run.parameterGradients)
      run.net.clearGradients()
      for top in run.layer.top {
        top.data.values = top.data.values.map { value in
          use == .nothing ? .nan : value > 0 ? 3 : value < 0 ? -3 : 0
        }
      }
      #expect(try run.backward(wanted) == gradients.0)
      #expect(run.parameterGradients == gradients.1)
    }
  }

  /// Values that no gradient reads give up their memory after the last forward pass that does.
  @Test(arguments: types, [Engine.caffe, Engine.oneDNN])
  func gradientsReadOfTheBottomsWhatTheKindSays(_ type: String, on engine: Engine) throws {
    try Trial.run(type, engine) { trial in
      let (run, kind) = (try trial.build(), try LayerCatalog.standard.kind(type))
      let wanted = run.layer.propagateDown
      guard wanted.contains(true) || run.layer.learns.contains(true) else { return }
      guard !kind.gradientReadsBottoms(run.layer.parameter) else { return }
      try run.forward()
      let gradients = (try run.backward(wanted), run.parameterGradients)
      run.net.clearGradients()
      let views = run.layer.top.map { top in
        run.layer.bottom.contains { $0.data.shares(top.data) }
      }
      guard !views.contains(true) else { return }
      for bottom in run.layer.bottom {
        bottom.data.values = Array(repeating: .nan, count: bottom.count)
      }
      #expect(try run.backward(wanted) == gradients.0)
      #expect(run.parameterGradients == gradients.1)
    }
  }

  @Test(arguments: types)
  func wrongCounts(_ type: String) throws {
    let kind = try LayerCatalog.standard.kind(type)
    try Trial.run(type, .caffe) { trial in
      let (bottoms, tops) = (trial.subject.bottoms.count, trial.subject.tops.count)
      for count in kind.bottoms.refused(bottoms: bottoms) {
        expectError("\(type) Layer takes \(kind.bottoms.phrase("bottom", "input")), got \(count)") {
          _ = try trial.build(bottoms: count)
        }
      }
      for count in kind.tops.refused(bottoms: bottoms) where count >= tops || count == 0 {
        guard count >= kind.automaticTops else { continue }
        expectError("\(type) Layer produces \(kind.tops.phrase("top", "output")), got \(count)") {
          _ = try trial.build(tops: count)
        }
      }
    }
  }
}

extension LayerKind.Arity {
  /// Counts just outside of what is accepted.
  fileprivate func refused(bottoms: Int) -> [Int] {
    let counts =
      switch self {
      case .exactly(let count): [count - 1, count + 1]
      case .between(let low, let high): [low - 1, high + 1]
      case .atLeast(let low): [low - 1]
      case .sameAsBottoms: [bottoms + 1]
      }
    return counts.filter { $0 >= 0 }
  }

  /// Caffe's words.
  fileprivate func phrase(_ side: String, _ role: String) -> String {
    switch self {
    case .exactly(let count): "\(count) \(side) blob(s) as \(role)"
    case .between(let low, let high): "\(low) to \(high) \(side) blob(s) as \(role)"
    case .atLeast(let low): "at least \(low) \(side) blob(s) as \(role)"
    case .sameAsBottoms: "one top blob as output for each bottom blob input"
    }
  }
}
