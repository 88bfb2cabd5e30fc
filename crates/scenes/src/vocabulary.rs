//! What words can call for: motif, light, season, color, companions.

/// What the picture is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motif {
    Mountains,
    Ocean,
    City,
    Forest,
    Desert,
    Meadow,
    Aurora,
    Space,
    Flow,
    Still,
    Portrait,
    /// A creature on a hill before a great sun or moon.
    Perch,
}

/// The light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Dawn,
    Day,
    Sunset,
    Dusk,
    Night,
}

/// The season, as far as the prompt names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Season {
    Any,
    Spring,
    Autumn,
    Winter,
}

/// An animal to show as a silhouette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creature {
    Cat,
    Dog,
    Fox,
    Owl,
    Rabbit,
    Whale,
}

/// Things a scene may hold besides its motif.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    Lake,
    Trees,
    Mist,
    Stars,
    Moon,
    Sun,
    Clouds,
    Boat,
    Birds,
    House,
    Lighthouse,
    Balloon,
    Rain,
    Waves,
    Badge,
    Beach,
    Rings,
}

/// What a word calls for.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    Show(Motif),
    Light(Time),
    Dress(Season),
    Color(u32),
    Animal(Creature),
    With(Extra),
}
