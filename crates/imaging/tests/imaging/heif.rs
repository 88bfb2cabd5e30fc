//! AVIF files put together box by box, with whatever a test wants in them.

use imaging::Bitmap;

/// A box: its length, its name and what it holds.
pub(crate) fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(payload);
    bytes
}

fn full(kind: &[u8; 4], version: u8, payload: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0], payload].concat())
}

/// A file to build, in the places where tests differ.
pub(crate) struct Heif<'a> {
    pub(crate) brands: &'a [u8; 8],
    pub(crate) kind: &'a [u8; 4],
    pub(crate) size: (u32, u32),
    pub(crate) properties: Vec<Vec<u8>>,
    /// How many extents the picture is cut into.
    pub(crate) pieces: usize,
    pub(crate) is_in_idat: bool,
    pub(crate) alpha: Option<&'a [u8]>,
    pub(crate) is_premultiplied: bool,
}

impl Heif<'_> {
    pub(crate) const fn of(picture: &Bitmap) -> Self {
        Self {
            brands: b"avifmif1",
            kind: b"av01",
            size: (picture.width_px(), picture.height_px()),
            properties: Vec::new(),
            pieces: 1,
            is_in_idat: false,
            alpha: None,
            is_premultiplied: false,
        }
    }

    /// The whole file around a stream.
    pub(crate) fn build(&self, stream: &[u8]) -> Vec<u8> {
        let brands = boxed(b"ftyp", &[&self.brands[..4], &[0; 4], &self.brands[4..]].concat());
        // The length of the metadata does not depend on the offset in it.
        let length = self.meta(stream, 0).len();
        let meta = self.meta(stream, brands.len() + length + 8);
        let data = [stream, self.alpha.unwrap_or_default()].concat();
        [brands, meta, boxed(b"mdat", &data)].concat()
    }

    fn meta(&self, stream: &[u8], data_offset: usize) -> Vec<u8> {
        let item = |id: u8, kind: &[u8; 4]| full(b"infe", 2, &[&[0, id, 0, 0], &kind[..], b"\0"].concat());
        let mut infos = vec![item(1, self.kind)];
        let mut references = Vec::new();
        let (width, height) = self.size;
        let ispe = full(b"ispe", 0, &[width.to_be_bytes(), height.to_be_bytes()].concat());
        let mut properties = vec![ispe];
        properties.extend(self.properties.iter().cloned());
        let mut associations = vec![0, 1, properties.len() as u8];
        associations.extend(1..=properties.len() as u8);
        let mut entries = 1;
        if self.alpha.is_some() {
            infos.push(item(2, b"av01"));
            references.push(boxed(b"auxl", &[0, 2, 0, 1, 0, 1]));
            if self.is_premultiplied {
                references.push(boxed(b"prem", &[0, 1, 0, 1, 0, 2]));
            }
            let name = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
            properties.push(full(b"auxC", 0, name));
            associations.extend([0, 2, 1, properties.len() as u8]);
            entries = 2;
        }
        let count = infos.len() as u8;
        let idat = if self.is_in_idat { stream } else { &[] };
        let children = [
            full(b"hdlr", 0, b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            full(b"pitm", 0, &[0, 1]),
            self.locations(stream, data_offset),
            full(b"iinf", 0, &[vec![0, count], infos.concat()].concat()),
            full(b"iref", 0, &references.concat()),
            boxed(
                b"iprp",
                &[
                    boxed(b"ipco", &properties.concat()),
                    full(b"ipma", 0, &[vec![0, 0, 0, entries], associations].concat()),
                ]
                .concat(),
            ),
            boxed(b"idat", idat),
        ];
        full(b"meta", 0, &children.concat())
    }

    fn locations(&self, stream: &[u8], data_offset: usize) -> Vec<u8> {
        let start = if self.is_in_idat { 0 } else { data_offset };
        let mut payload = vec![0x44, 0, 0, 1 + u8::from(self.alpha.is_some())];
        let mut item = |id: u8, method: u8, extents: &[(usize, usize)]| {
            payload.extend([0, id, 0, method, 0, 0, 0, extents.len() as u8]);
            for (offset, length) in extents {
                payload.extend((*offset as u32).to_be_bytes());
                payload.extend((*length as u32).to_be_bytes());
            }
        };
        let piece = stream.len().div_ceil(self.pieces);
        let extents: Vec<(usize, usize)> = (0..stream.len())
            .step_by(piece)
            .map(|at| (start + at, piece.min(stream.len() - at)))
            .collect();
        item(1, u8::from(self.is_in_idat), &extents);
        if let Some(alpha) = self.alpha {
            item(2, 0, &[(data_offset + stream.len(), alpha.len())]);
        }
        full(b"iloc", 1, &payload)
    }
}
