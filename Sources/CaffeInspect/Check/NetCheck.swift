import CaffeCore
import CaffeErrors
import CaffeLayers
import CaffeNet
import CaffeSchema

/// Everything that is wrong with a net in one phase, found without stopping at the first mistake.
///
/// A sound net is planned once. Otherwise each layer is looked at three times; one that fails a look is
/// left out of the last, so that no mistake brings others after it:
///
/// 1. how it is connected (rules, type, counts and names of blobs, `loss_weight`), where no layer has
///    shapes or settings;
/// 2. its own settings;
/// 3. its shapes, fillers, parameters and gradients, if the shapes of its bottoms are known.
struct NetCheck {
  private(set) var findings: [Finding] = []
  /// The net as far as it is sound.
  private(set) var plan: NetPlan?
  /// The whole net, perhaps without shapes and parameters; `nil` if it does not hang together.
  private(set) var graph: NetPlan?

  private let file: String
  private let context: LayerContext
  /// Layers that are wrong, by their number in the filtered net.
  private var faulty: Set<Int> = []
  /// Lines on which something could not be read.
  private let misread: Set<Int>

  /// - Parameter misread: lines with mistakes told already; settings of layers there are not checked.
  init(
    _ net: NetParameter, file: String, misread: Set<Int>, given: GivenShapes, context: LayerContext
  ) {
    self.file = file
    self.misread = misread
    self.context = context
    let described = filtered(net.inPhase(context.phase))
    checkSettings(described.layer.filter { given.standIn(for: $0) != nil }, given: given)
    let net = withShapes(described, given)
    if net.layer.count > Self.mostLayers {
      checkAsOne(net)
    } else {
      checkThrice(net)
    }
  }

  private mutating func checkThrice(_ net: NetParameter) {
    if misread.isEmpty { plan = try? planned(net) }
    graph = plan
    guard plan == nil else { return }
    checkConnections(net)
    let unsound = checkSettings(net.layer)
    checkShapes(net, without: faulty.union(unsound))
  }

  /// Larger nets are planned once, not layer by layer: that takes time by the square of their number.
  private static let mostLayers = 2000

  /// Finds the first mistake only, and none where some of the text could not be read.
  private mutating func checkAsOne(_ net: NetParameter) {
    guard misread.isEmpty else { return }
    do {
      plan = try planned(net)
      graph = plan
    } catch let error as CaffeError {
      if let layer = culprit(of: error, in: net) {
        noteOrWarn(error, of: layer)
      } else {
        findings.append(Finding(error, file: file))
      }
      findings.append(
        Finding(
          .warning, file: file, line: nil,
          "this net has more than \(Self.mostLayers) layers: only its first mistake is told"))
    } catch {}
  }

  private mutating func withShapes(_ net: NetParameter, _ given: GivenShapes) -> NetParameter {
    do {
      return try given.applied(to: net)
    } catch {
      findings.append(Finding(.error, file: file, line: nil, "\(error)"))
      return net
    }
  }

  /// The layers of the phase; one that has both kinds of rule is kept, as if it had none.
  private mutating func filtered(_ net: NetParameter) -> NetParameter {
    var result = net
    var bare = net
    bare.layer = []
    result.layer = net.layer.flatMap { layer in
      var one = bare
      one.layer = [layer]
      do {
        return try one.filtered().layer
      } catch let error as CaffeError {
        note(error, of: layer)
        var kept = layer
        kept.include = []
        kept.exclude = []
        return [kept]
      } catch {
        return [layer]
      }
    }
    return result
  }

  /// - Parameter catalog: what the layers are made of.
  private func planned(
    _ net: NetParameter, _ catalog: LayerCatalog = .standard
  ) throws -> NetPlan {
    let plan = try NetPlan(net, context: context, catalog: catalog)
    for parameter in plan.parameters {
      try withPlace(plan.layers[parameter.owner.layer].place) {
        _ = try Filler(parameter.declaration.filler, shape: parameter.declaration.shape)
      }
    }
    return plan
  }

  /// As `note`, but data that is not there brings a warning only.
  private mutating func noteOrWarn(_ error: CaffeError, of layer: LayerParameter) {
    guard MissingData.isCause(of: error) else { return note(error, of: layer) }
    findings.append(Finding(.warning, layer, file: file, MissingData.warning(error, layer)))
  }

  private mutating func note(_ error: CaffeError, of layer: LayerParameter) {
    let places = [Layer.place(of: layer), "layer '\(layer.name)'"]
    let inner = error.places.drop { !places.contains($0) }.dropFirst()
    let text = (inner + [error.message]).joined(separator: ": ")
    findings.append(Finding(.error, layer, file: file, text))
  }
}

// MARK: - The three looks

extension NetCheck {
  private mutating func checkConnections(_ net: NetParameter) {
    let unknown = Dictionary(grouping: net.unknownBottoms(), by: \.layer)
    var sound = net
    sound.layer = []
    for (number, layer) in net.layer.enumerated() {
      for (_, mistake) in unknown[number] ?? [] { note(mistake, of: layer) }
      var layer = layer
      if unknown[number] == nil {
        do {
          var attempt = sound
          attempt.layer.append(layer.hollow)
          graph = try planned(attempt, .hollow)
          sound = attempt
          continue
        } catch let error as CaffeError {
          note(error, of: layer)
        } catch {}
      }
      faulty.insert(number)
      let made = Set(sound.layer.flatMap(\.top))
      layer.top = layer.top.filter { !made.contains($0) }
      if !layer.top.isEmpty { sound.layer.append(GivenShapes.input(layer, shapes: [])) }
    }
    if !faulty.isEmpty { graph = nil }
  }

  /// - Returns: the numbers of the layers that cannot be made. A data layer without its data gets a
  ///   warning only, unless its shape is given.
  @discardableResult
  private mutating func checkSettings(_ layers: [LayerParameter], given: GivenShapes? = nil) -> Set<
    Int
  > {
    var unsound: Set<Int> = []
    for (number, layer) in layers.enumerated() {
      guard let kind = try? LayerCatalog.standard.kind(layer.type) else { continue }
      let next = number + 1 < layers.count ? layers[number + 1].location?.line : nil
      if isMisread(layer, until: next) {
        unsound.insert(number)
        continue
      }
      do {
        _ = try kind.make(layer, context)
      } catch let error as CaffeError {
        unsound.insert(number)
        if given == nil || !MissingData.isCause(of: error) { noteOrWarn(error, of: layer) }
      } catch {}
    }
    return unsound
  }

  private func isMisread(_ layer: LayerParameter, until next: Int?) -> Bool {
    guard let line = layer.location?.line else { return false }
    return misread.contains { $0 == line || $0 > line && $0 < next ?? .max }
  }

  private mutating func checkShapes(_ net: NetParameter, without faulty: Set<Int>) {
    var sound = net
    sound.layer = []
    var made: Set<String> = []
    for (number, layer) in net.layer.enumerated()
    where !faulty.contains(number) && layer.bottom.allSatisfy(made.contains) {
      var attempt = sound
      attempt.layer.append(layer)
      do {
        plan = try planned(attempt)
        sound = attempt
        made.formUnion(layer.top)
      } catch let error as CaffeError {
        note(error, of: culprit(of: error, in: attempt) ?? layer)
      } catch {}
    }
  }

  /// The layer that an error names, which may stand below the one that brought it out.
  private func culprit(of error: CaffeError, in net: NetParameter) -> LayerParameter? {
    net.layer.last { error.places.contains(Layer.place(of: $0)) }
  }
}

extension LayerParameter {
  /// The layer without what it says of parameters, which it will not have.
  fileprivate var hollow: LayerParameter {
    var hollow = self
    hollow.param = []
    return hollow
  }
}

extension LayerCatalog {
  /// The standard types without settings, shapes and parameters: all that is left is how they connect.
  fileprivate static let hollow = LayerCatalog(standard.kinds.map(\.hollow))
}

extension LayerKind {
  fileprivate var hollow: LayerKind {
    LayerKind(
      type, bottoms: bottoms, tops: tops, runsInPlace: runsInPlace, keepsSign: keepsSign,
      topMemory: topMemory, outputUse: outputUse,
      gradientReadsBottoms: gradientReadsBottoms, isLoss: isLoss, automaticTops: automaticTops,
      labels: labels, isForwardOnly: isForwardOnly, documentation: documentation
    ) { [automaticTops] in try HollowLayer($0, tops: automaticTops, context: $1) }
  }
}

private final class HollowLayer: Layer {
  private let count: Int

  init(_ parameter: LayerParameter, tops: Int, context: LayerContext) throws {
    count = max(tops, parameter.top.count)
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    Array(repeating: [0], count: count)
  }
}
