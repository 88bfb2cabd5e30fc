//! The HEIF container around AVIF pictures: which bytes are the picture, and how it is meant.

use std::borrow::Cow;
use std::io::{Read, Seek};
use std::ops::Range;

use super::FORMAT;
use super::yuv::Coefficients;
use crate::header::HeaderReader;
use crate::orientation::Orientation;
use crate::{ImagingError, InspectError};

/// Pieces that one picture may be cut into. Encoders write one.
const EXTENTS_MAX: usize = 256;

/// Names of alpha planes, by MIAF and by HEVC's older convention.
const ALPHA_KINDS: [&[u8]; 2] = [
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
];

/// Four letters that name a box, an item type or a reference type.
type Kind = [u8; 4];

/// The primary picture of a file.
#[derive(Debug)]
pub(super) struct StillImage {
    /// Width before turning, in pixels.
    pub(super) width_px: u32,
    /// Height before turning, in pixels.
    pub(super) height_px: u32,
    /// How the picture is to be turned.
    pub(super) orientation: Orientation,
    /// How colors are coded; if not told here, then in the stream.
    pub(super) coefficients: Option<Coefficients>,
    /// A color profile of any kind.
    pub(super) icc: Option<Vec<u8>>,
    /// Where the colors are.
    pub(super) primary: Item,
    /// Where the alpha plane is.
    pub(super) alpha: Option<Item>,
    /// Whether colors have been multiplied by alpha.
    pub(super) is_premultiplied: bool,
    /// Whether the file is also an animation.
    pub(super) is_sequence: bool,
    /// Data inside the metadata.
    pub(super) idat: Vec<u8>,
    /// Where the last piece of any picture in the file ends; a piece without a length counts with its start.
    pub(super) data_end: u64,
}

/// Where the data of one picture stands.
#[derive(Debug)]
pub(super) struct Item {
    /// `av01` for a picture, anything else for what is made out of pictures.
    pub(super) kind: Kind,
    is_in_idat: bool,
    /// Offset and length; length 0 goes to the end.
    extents: Vec<(u64, u64)>,
}

/// Reads a file's metadata. Pixels need not be there.
pub(super) fn read<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<StillImage, InspectError> {
    let mut is_sequence = false;
    loop {
        let size = reader.u32_be()?;
        let kind: Kind = reader.bytes()?;
        let payload_bytes = match size {
            0 if &kind != b"meta" => return Err(reader.malformed("it has no still picture")),
            0 => return Err(reader.malformed("its metadata has no size")),
            1 => u64::from_be_bytes(reader.bytes()?).checked_sub(16),
            _ => u64::from(size).checked_sub(8),
        };
        let Some(payload_bytes) = payload_bytes else {
            return Err(reader.malformed("a box of impossible size"));
        };
        match &kind {
            b"ftyp" => is_sequence = reader.block(payload_bytes)?.starts_with(b"avis"),
            b"meta" => {
                let meta = reader.block(payload_bytes)?;
                let mut image = still_image(&meta).ok_or_else(|| reader.malformed("its metadata is incomplete"))?;
                image.is_sequence = is_sequence;
                return Ok(image);
            }
            _ => reader.skip(payload_bytes)?,
        }
    }
}

/// The bytes of an item, without a copy where they stand in one piece.
pub(super) fn item_data<'a>(file: &'a [u8], item: &Item, idat: &'a [u8]) -> Result<Cow<'a, [u8]>, ImagingError> {
    let place = if item.is_in_idat { idat } else { file };
    let extent = |&(offset, length): &(u64, u64)| {
        let range = range(offset, length, place.len())?;
        place.get(range)
    };
    let pieces: Option<Vec<&[u8]>> = item.extents.iter().map(extent).collect();
    let pieces = pieces.ok_or(ImagingError::Truncated(FORMAT))?;
    match pieces[..] {
        [] => Err(ImagingError::malformed(FORMAT, "its picture has no data")),
        [piece] => Ok(Cow::Borrowed(piece)),
        // Pieces that overlap could add up to more than the file.
        _ if pieces.iter().map(|piece| piece.len()).sum::<usize>() > place.len() => {
            Err(ImagingError::malformed(FORMAT, "its pieces overlap"))
        }
        _ => Ok(Cow::Owned(pieces.concat())),
    }
}

fn range(offset: u64, length: u64, whole: usize) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    let end = match usize::try_from(length).ok()? {
        0 => whole,
        length => start.checked_add(length)?,
    };
    Some(start..end)
}

/// Takes numbers off the front of a box.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    /// A number of 0 to 8 bytes, the high one first.
    fn uint(&mut self, length: usize) -> Option<u64> {
        let bytes = self.take(length)?;
        Some(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn u32(&mut self) -> Option<u32> {
        self.uint(4).map(|value| value as u32)
    }

    fn kind(&mut self) -> Option<Kind> {
        self.take(4)?.try_into().ok()
    }

    /// Version and flags of a "full" box.
    fn version(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        Some(((word >> 24) as u8, word & 0x00ff_ffff))
    }
}

/// The boxes inside of a box, as far as they are whole.
fn children(payload: &[u8]) -> impl Iterator<Item = (Kind, &[u8])> {
    let mut fields = Fields(payload);
    std::iter::from_fn(move || {
        let size = fields.u32()?;
        let kind = fields.kind()?;
        let length = match size {
            0 => fields.0.len(),
            1 => usize::try_from(fields.uint(8)?.checked_sub(16)?).ok()?,
            _ => usize::try_from(size).ok()?.checked_sub(8)?,
        };
        Some((kind, fields.take(length)?))
    })
}

fn child<'a>(payload: &'a [u8], wanted: &Kind) -> Option<&'a [u8]> {
    children(payload)
        .find(|(kind, _)| kind == wanted)
        .map(|(_, payload)| payload)
}

/// Understands the payload of a `meta` box. `None` where something needed is missing.
fn still_image(meta: &[u8]) -> Option<StillImage> {
    let meta = meta.get(4..)?;
    let primary_id = primary_id(child(meta, b"pitm")?)?;
    let iloc = child(meta, b"iloc")?;
    let properties = child(meta, b"iprp")?;
    let references = child(meta, b"iref").unwrap_or_default();
    let kind = item_kind(child(meta, b"iinf")?, primary_id)?;

    let alpha_id = referring(references, b"auxl", primary_id)
        .into_iter()
        .find(|&id| is_alpha(properties, id));
    let mut image = StillImage {
        width_px: 0,
        height_px: 0,
        orientation: Orientation::default(),
        coefficients: None,
        icc: None,
        primary: locate(iloc, primary_id, kind)?,
        alpha: match alpha_id {
            Some(id) => Some(locate(iloc, id, *b"av01")?),
            None => None,
        },
        is_premultiplied: alpha_id.is_some_and(|id| referring(references, b"prem", id).contains(&primary_id)),
        is_sequence: false,
        idat: child(meta, b"idat").unwrap_or_default().to_vec(),
        data_end: data_end(iloc)?,
    };
    for (kind, payload) in item_properties(properties, primary_id) {
        apply_property(&mut image, kind, payload)?;
    }
    (image.width_px > 0).then_some(image)
}

fn apply_property(image: &mut StillImage, kind: Kind, payload: &[u8]) -> Option<()> {
    let mut fields = Fields(payload);
    match &kind {
        b"ispe" => {
            fields.version()?;
            image.width_px = fields.u32()?;
            image.height_px = fields.u32()?;
        }
        b"irot" => {
            let turns = fields.uint(1)? as u8 & 3;
            image.orientation = Orientation::from_quarter_turns(turns);
        }
        // Mirroring comes after turning, whatever the order of the properties.
        b"imir" if fields.uint(1)? & 1 == 0 => image.orientation.flip_y ^= true,
        b"imir" => image.orientation.flip_x ^= true,
        b"colr" => match &fields.kind()? {
            b"nclx" => {
                fields.take(4)?;
                image.coefficients = Some(Coefficients {
                    matrix: fields.uint(2)? as u16,
                    is_full_range: fields.uint(1)? & 0x80 != 0,
                });
            }
            b"prof" | b"rICC" => image.icc = Some(fields.0.to_vec()),
            _ => {}
        },
        _ => {}
    }
    Some(())
}

fn primary_id(pitm: &[u8]) -> Option<u32> {
    let mut fields = Fields(pitm);
    let (version, _) = fields.version()?;
    fields.uint(if version == 0 { 2 } else { 4 }).map(|id| id as u32)
}

fn item_kind(iinf: &[u8], wanted: u32) -> Option<Kind> {
    let mut fields = Fields(iinf);
    let (version, _) = fields.version()?;
    fields.take(if version == 0 { 2 } else { 4 })?;
    children(fields.0)
        .filter(|(kind, _)| kind == b"infe")
        .find_map(|(_, infe)| {
            let mut fields = Fields(infe);
            let (version, _) = fields.version()?;
            let id = match version {
                2 => fields.uint(2)?,
                3 => fields.uint(4)?,
                _ => return None,
            };
            // Two bytes say how the item is protected.
            fields.take(2)?;
            (id == u64::from(wanted)).then(|| fields.kind())?
        })
}

/// The items that refer to `target` in a way.
fn referring(iref: &[u8], way: &Kind, target: u32) -> Vec<u32> {
    let mut fields = Fields(iref);
    let Some((version, _)) = fields.version() else {
        return Vec::new();
    };
    let id_bytes = if version == 0 { 2 } else { 4 };
    children(fields.0)
        .filter(|(kind, _)| kind == way)
        .filter_map(|(_, payload)| {
            let mut fields = Fields(payload);
            let from = fields.uint(id_bytes)? as u32;
            let count = fields.uint(2)?;
            let refers = (0..count)
                .map_while(|_| fields.uint(id_bytes))
                .any(|to| to == u64::from(target));
            refers.then_some(from)
        })
        .collect()
}

fn is_alpha(iprp: &[u8], item: u32) -> bool {
    item_properties(iprp, item)
        .into_iter()
        .filter(|(kind, _)| kind == b"auxC")
        .filter_map(|(_, payload)| payload.get(4..))
        .any(|name| {
            let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
            ALPHA_KINDS.contains(&&name[..end])
        })
}

/// The properties of an item, in the order of their association.
fn item_properties(iprp: &[u8], item: u32) -> Vec<(Kind, &[u8])> {
    let Some(ipco) = child(iprp, b"ipco") else {
        return Vec::new();
    };
    let all: Vec<(Kind, &[u8])> = children(ipco).collect();
    children(iprp)
        .filter(|(kind, _)| kind == b"ipma")
        .filter_map(|(_, ipma)| property_indexes(ipma, item))
        .flatten()
        // Indexes count from 1; 0 stands for none.
        .filter_map(|index| all.get(index.checked_sub(1)?).copied())
        .collect()
}

fn property_indexes(ipma: &[u8], item: u32) -> Option<Vec<usize>> {
    let mut fields = Fields(ipma);
    let (version, flags) = fields.version()?;
    let entries = fields.u32()?;
    let index_bytes = if flags & 1 == 0 { 1 } else { 2 };
    // The highest bit tells whether a reader must understand the property.
    let index_mask = if flags & 1 == 0 { 0x7f } else { 0x7fff };
    for _ in 0..entries {
        let id = fields.uint(if version == 0 { 2 } else { 4 })?;
        let count = fields.uint(1)? as usize;
        let mut indexes = Fields(fields.take(count * index_bytes)?);
        if id == u64::from(item) {
            return (0..count)
                .map(|_| Some((indexes.uint(index_bytes)? & index_mask) as usize))
                .collect();
        }
    }
    None
}

/// Finds the extents of an item in an `iloc` box.
fn locate(iloc: &[u8], wanted: u32, kind: Kind) -> Option<Item> {
    let places = places(iloc)?;
    let place = places.into_iter().find(|place| place.id == u64::from(wanted))?;
    (place.extents.len() <= EXTENTS_MAX && place.method <= 1).then_some(Item {
        kind,
        is_in_idat: place.method == 1,
        extents: place.extents,
    })
}

/// Where the last extent in the file itself ends.
fn data_end(iloc: &[u8]) -> Option<u64> {
    let in_file = places(iloc)?.into_iter().filter(|place| place.method == 0);
    let ends = in_file.flat_map(|place| place.extents);
    ends.map(|(offset, length)| offset.saturating_add(length))
        .max()
        .or(Some(0))
}

/// Where one item stands.
struct Place {
    id: u64,
    /// 0: in the file, 1: in the metadata.
    method: u64,
    /// Offset and length.
    extents: Vec<(u64, u64)>,
}

/// What an `iloc` box says of all items.
fn places(iloc: &[u8]) -> Option<Vec<Place>> {
    let mut fields = Fields(iloc);
    let (version, _) = fields.version()?;
    if version > 2 {
        return None;
    }
    let sizes = fields.uint(2)? as usize;
    let (offset_bytes, length_bytes) = (sizes >> 12 & 15, sizes >> 8 & 15);
    let base_bytes = sizes >> 4 & 15;
    let index_bytes = if version == 0 { 0 } else { sizes & 15 };
    if [offset_bytes, length_bytes, base_bytes, index_bytes]
        .into_iter()
        .any(|bytes| !matches!(bytes, 0 | 4 | 8))
    {
        return None;
    }
    let id_bytes = if version < 2 { 2 } else { 4 };
    let items = fields.uint(id_bytes)?;
    // Memory grows with what is really there, not with the claim.
    let mut places = Vec::new();
    for _ in 0..items {
        let id = fields.uint(id_bytes)?;
        let method = if version == 0 { 0 } else { fields.uint(2)? & 15 };
        fields.take(2)?;
        let base = fields.uint(base_bytes)?;
        let count = fields.uint(2)? as usize;
        let extent_bytes = index_bytes + offset_bytes + length_bytes;
        // Extents that take no room could be as many as the file likes to claim.
        if extent_bytes == 0 && count > 1 {
            return None;
        }
        let mut each = Fields(fields.take(count * extent_bytes)?);
        let extents = (0..count)
            .map(|_| {
                each.take(index_bytes)?;
                let offset = base.checked_add(each.uint(offset_bytes)?)?;
                Some((offset, each.uint(length_bytes)?))
            })
            .collect::<Option<_>>()?;
        places.push(Place { id, method, extents });
    }
    Some(places)
}
